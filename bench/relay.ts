/**
 * smtp-source → X → smtp-sink: mails a second, CPU and memory of X. All X run at the same time and are loaded in turn, so
 * that whatever else the machine does meets them alike.
 *
 *     deno task bench relay [--rounds 5] [--sizes 4,64,1024] [--sessions 20] [--only mailtee,haproxy] [--seconds 2]
 */

import { parseArgs } from "@std/cli";
import { runOrFail } from "../tests/peers/program.ts";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { processUse } from "./process_use.ts";
import { chosenRelays, type Relay, type RelayKind, withRelays } from "./relay_peers.ts";
import { inWorkFolder, settleDisk } from "./work_folder.ts";

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
const kinds = chosenRelays(list("only"));

/** V8 compiles what is hot after some thousand mails; what is measured is a program that has run for a while. */
const WARM_UP_MAILS = 3000;
const PROBE_MAILS = 100;

await inWorkFolder(async (folder) => {
  for (const sessions of list("sessions").map(Number)) {
    for (const kilobytes of list("sizes").map(Number)) {
      for (const reuse of [false, true]) await compare({ kilobytes, sessions, reuse }, folder);
    }
  }
});

async function compare(load: Load, folder: string): Promise<void> {
  const results = new Map<RelayKind, Measure[]>(kinds.map((kind) => [kind, []]));
  await withRelays(kinds, folder, async (relays) => {
    const counts = new Map<Relay, number>();
    for (const relay of relays.values()) {
      await send(relay, { ...load, kilobytes: Math.min(load.kilobytes, 64) }, WARM_UP_MAILS);
      const seconds = await send(relay, load, Math.max(PROBE_MAILS, load.sessions));
      counts.set(relay, Math.max(40, load.sessions, Math.round(PROBE_MAILS / seconds * secondsPerRun)));
    }
    for (let round = 0; round < rounds; round++) {
      for (const [kind, relay] of relays) results.get(kind)?.push(await measure(relay, load, counts.get(relay) ?? 0));
    }
  });
  print(load, results);
}

async function measure(relay: Relay, load: Load, mails: number): Promise<Measure> {
  await settleDisk();
  const before = processUse(await relay.pids());
  const seconds = await send(relay, load, mails);
  const after = processUse(await relay.pids());
  return {
    mailsPerSecond: mails / seconds,
    cpuMsPerMail: (after.cpuMs - before.cpuMs) / mails,
    memoryMb: after.peakMb,
  };
}

/** Gives how many seconds it took until all were delivered. */
async function send(relay: Relay, load: Load, mails: number): Promise<number> {
  const started = performance.now();
  await runOrFail("smtp-source", {
    args: [
      ...(load.reuse ? ["-d"] : []),
      ...["-s", String(load.sessions), "-m", String(mails), "-l", String(load.kilobytes * 1024)],
      ...["-f", "from@company.example", "-t", "to@company.example", `127.0.0.1:${relay.port}`],
    ],
  });
  await relay.delivered?.();
  return (performance.now() - started) / 1000;
}

function print(load: Load, results: ReadonlyMap<RelayKind, readonly Measure[]>): void {
  const rates = (measures: readonly Measure[]) => measures.map((each) => each.mailsPerSecond);
  const named = (name: string) => [...results].find(([kind]) => kind.name.startsWith(name))?.[1];
  /** The median of what each round gives by itself: neighbours in time are compared. */
  const ratio = (measures: readonly Measure[], other: readonly Measure[] | undefined) =>
    median(rates(measures).map((rate, round) => rate / (other?.[round]?.mailsPerSecond ?? NaN)));
  const others = ["haproxy", "Postfix, before", "Postfix, queue"];
  console.log(
    `\n**${load.kilobytes} KB, ${
      load.reuse ? "many mails" : "one mail"
    } a connection, ${load.sessions} sessions**\n\n` +
      markdownTable(
        ["X", "mails/s", "± spread", "of haproxy", "of Postfix's filter", "of Postfix's queue", "CPU ms", "peak MB"],
        [...results].map(([kind, measures]) => [
          kind.name,
          figure(median(rates(measures))),
          `${Math.round(spread(rates(measures)) * 100)} %`,
          ...others.map((name) => figure(ratio(measures, named(name)))),
          figure(median(measures.map((each) => each.cpuMsPerMail))),
          figure(median(measures.map((each) => each.memoryMb))),
        ]),
      ),
  );
}
