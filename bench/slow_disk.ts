/**
 * 100 sessions where each flush of the disk takes 5 ms longer: whether no session's flush waits for another's. Beside it
 * the same proxy with the disk as it is, and smtp-sink alone.
 *
 *     deno task bench slow_disk [--rounds 5] [--sessions 100] [--slower-ms 5] [--mails 4000]
 */

import { parseArgs } from "@std/cli";
import { fromFileUrl } from "@std/path";
import { freePorts, isListening, startProgram } from "../tests/peers/program.ts";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { processUse } from "./process_use.ts";
import type { FlushCount } from "./proxy_with_slow_disk.ts";
import { startSink } from "./relay_peers.ts";
import { loadTitle, sendBySource } from "./smtp_source.ts";
import { inWorkFolder, settleDisk } from "./work_folder.ts";

const args = parseArgs(Deno.args, {
  string: ["rounds", "sessions", "slower-ms", "mails"],
  default: { rounds: "5", sessions: "100", "slower-ms": "5", mails: "4000" },
});
const rounds = Number(args["rounds"]);
const mails = Number(args["mails"]);
const sessions = Number(args["sessions"]);
const slowerMs = Number(args["slower-ms"]);
const MAIL_BYTES = 4096;

interface Way {
  readonly name: string;
  readonly port: number;
  readonly cpuMs: () => number;
  /** Gives what it flushed from its start to now; null of smtp-sink, which flushes nothing. */
  readonly stop: () => Promise<FlushCount | null>;
}

interface Measure {
  readonly mailsPerSecond: number;
  readonly cpuMsPerMail: number;
}

const script = fromFileUrl(new URL("./proxy_with_slow_disk.ts", import.meta.url));

await inWorkFolder(async (folder) => {
  for (const reuse of [false, true]) await compare(folder, reuse);
});

async function compare(folder: string, reuse: boolean): Promise<void> {
  const title = loadTitle({ bytes: MAIL_BYTES, sessions, reuse });
  console.error(title);
  const sink = await startSink();
  const direct: Way = {
    name: "direct",
    port: sink.port,
    cpuMs: () => 0,
    stop: () => sink.stop().then(() => null),
  };
  const ways = [direct];
  const measured = new Map<Way, Measure[]>();
  const flushes = new Map<Way, FlushCount | null>();
  try {
    ways.push(await startProxy("mailtee", 0, sink.port, folder));
    ways.push(await startProxy(`mailtee, each flush ${slowerMs} ms longer`, slowerMs, sink.port, folder));
    for (let round = -1; round < rounds; round++) {
      for (const way of ways) {
        const measure = await measureOne(way, reuse);
        if (round >= 0) measured.set(way, [...measured.get(way) ?? [], measure]);
      }
    }
  } finally {
    for (const way of ways.toReversed()) flushes.set(way, await way.stop());
  }
  print(title, measured, flushes);
}

async function startProxy(name: string, slower: number, sinkPort: number, folder: string): Promise<Way> {
  const [port = 0] = freePorts(1);
  const drop = await Deno.makeTempDir({ dir: folder });
  const program = startProgram(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, String(port), String(sinkPort), drop, String(slower)],
  });
  await program.waitFor(() => isListening(port));
  const stop = async () => {
    await program.stop();
    return JSON.parse(program.output());
  };
  return { name, port, cpuMs: () => processUse([program.pid]).cpuMs, stop };
}

async function measureOne(way: Way, reuse: boolean): Promise<Measure> {
  await settleDisk();
  const before = way.cpuMs();
  const seconds = await sendBySource({ port: way.port, sessions, mails, bytes: MAIL_BYTES, reuse });
  return { mailsPerSecond: mails / seconds, cpuMsPerMail: (way.cpuMs() - before) / mails };
}

function print(
  title: string,
  measured: ReadonlyMap<Way, readonly Measure[]>,
  flushes: ReadonlyMap<Way, FlushCount | null>,
): void {
  const rows = [...measured].map(([way, measures]) => {
    const rates = measures.map(({ mailsPerSecond }) => mailsPerSecond);
    const count = flushes.get(way);
    const perMail = (number: number) => count ? figure(number / count.committed) : "–";
    return [
      way.name,
      figure(median(rates)),
      `${Math.round(spread(rates) * 100)} %`,
      perMail(count?.files ?? 0),
      perMail(count?.directories ?? 0),
      figure(median(measures.map(({ cpuMsPerMail }) => cpuMsPerMail))),
    ];
  });
  const head = ["X", "mails/s", "± spread", "file flushes a mail", "directory flushes a mail", "CPU ms a mail"];
  console.log(`\n**${title}**\n\n${markdownTable(head, rows)}`);
}
