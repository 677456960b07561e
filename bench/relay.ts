/**
 * smtp-source → X → smtp-sink: mails a second, CPU and memory of X, all X in turn within each round.
 *
 *     deno task bench relay [--rounds 5] [--sizes 4,64,1024] [--sessions 20] [--only mailtee,haproxy] [--seconds 2]
 */

import { parseArgs } from "@std/cli";
import { freePorts, isListening, runOrFail, startProgram } from "../tests/peers/program.ts";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { processUse } from "./process_use.ts";
import { type RelayKind, RELAYS } from "./relay_peers.ts";

interface Load {
  readonly kilobytes: number;
  readonly sessions: number;
  /** Many mails on one connection, or a connection for each. */
  readonly reuse: boolean;
}

interface Measure {
  readonly mailsPerSecond: number;
  readonly cpuMsPerMail: number;
  readonly memoryMb: number;
}

const args = parseArgs(Deno.args, {
  string: ["rounds", "sizes", "sessions", "only", "seconds"],
  default: { rounds: "5", sizes: "4,64,1024", sessions: "20", only: "", seconds: "2" },
});
const list = (name: string) => String(args[name]).split(",").filter(Boolean);
const rounds = Number(args["rounds"]);
const secondsPerRun = Number(args["seconds"]);
const wanted = list("only");
const kinds = RELAYS.filter((kind) => {
  if (wanted.length > 0 && !["direct", ...wanted].some((word) => kind.name.startsWith(word))) return false;
  const missing = kind.missing();
  if (missing !== null) console.error(`${kind.name}: left out, ${missing} isn't installed`);
  return missing === null;
});

/** smtp-sink doesn't serve as root. */
const asNobody = Deno.uid() === 0 ? ["-u", "nobody"] : [];

for (const sessions of list("sessions").map(Number)) {
  for (const kilobytes of list("sizes").map(Number)) {
    for (const reuse of [false, true]) await compare({ kilobytes, sessions, reuse });
  }
}

async function compare(load: Load): Promise<void> {
  const [sinkPort = 0] = freePorts(1);
  const sink = startProgram("smtp-sink", { args: [...asNobody, `127.0.0.1:${sinkPort}`, "4096"] });
  await sink.waitFor(() => isListening(sinkPort));
  const results = new Map<RelayKind, Measure[]>(kinds.map((kind) => [kind, []]));
  let mails = 50;
  try {
    for (let round = -1; round < rounds; round++) {
      for (const kind of kinds) {
        const measure = await run(kind, load, mails, sinkPort);
        if (round >= 0) results.get(kind)?.push(measure);
        // The first pass finds out how many mails take about as long as was asked for.
        else if (kind.name === "direct") mails = mailsFor(measure.mailsPerSecond);
      }
    }
  } finally {
    await sink.stop();
  }
  print(load, results);
}

function mailsFor(mailsPerSecond: number): number {
  return Math.max(40, Math.round(mailsPerSecond * secondsPerRun / 4));
}

async function run(kind: RelayKind, load: Load, mails: number, sinkPort: number): Promise<Measure> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-bench-" });
  const relay = await kind.start(sinkPort, folder);
  try {
    const warmUp = Math.max(load.sessions, Math.round(mails / 5));
    await send(relay.port, load, warmUp);
    const before = processUse(await relay.pids());
    const seconds = await send(relay.port, load, mails);
    const after = processUse(await relay.pids());
    return {
      mailsPerSecond: mails / seconds,
      cpuMsPerMail: (after.cpuMs - before.cpuMs) / mails,
      memoryMb: after.peakMb,
    };
  } finally {
    await relay.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

async function send(port: number, load: Load, mails: number): Promise<number> {
  const started = performance.now();
  await runOrFail("smtp-source", {
    args: [
      ...(load.reuse ? ["-d"] : []),
      ...["-s", String(load.sessions), "-m", String(mails), "-l", String(load.kilobytes * 1024)],
      ...["-f", "from@company.example", "-t", "to@company.example", `127.0.0.1:${port}`],
    ],
  });
  return (performance.now() - started) / 1000;
}

function print(load: Load, results: ReadonlyMap<RelayKind, readonly Measure[]>): void {
  const rate = (name: string) => {
    const found = [...results].find(([kind]) => kind.name.startsWith(name));
    return found === undefined ? NaN : median(found[1].map((each) => each.mailsPerSecond));
  };
  console.log(
    `\n${load.kilobytes} KB, ${load.reuse ? "many mails" : "one mail"} a connection, ${load.sessions} sessions\n\n` +
      markdownTable(
        ["X", "mails/s", "± spread", "of direct", "of haproxy", "CPU ms a mail", "peak MB"],
        [...results].map(([kind, measures]) => {
          const rates = measures.map((each) => each.mailsPerSecond);
          return [
            kind.name,
            figure(median(rates)),
            `${Math.round(spread(rates) * 100)} %`,
            figure(median(rates) / rate("direct")),
            figure(median(rates) / rate("haproxy")),
            figure(median(measures.map((each) => each.cpuMsPerMail))),
            figure(median(measures.map((each) => each.memoryMb))),
          ];
        }),
      ),
  );
}
