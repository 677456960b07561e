/**
 * smtp-source → X → smtp-sink: mails a second, CPU and memory of X. All X run at the same time and are loaded in turn, so
 * that whatever else the machine does meets them alike.
 *
 *     deno task bench relay [--rounds 5] [--sizes 4,64] [--sessions 1,20] [--only mailtee,haproxy] [--seconds 2]
 *
 * Sizes are KB. Where neither sizes nor sessions are given, a choice of both is measured, so that it ends within an hour.
 */

import { parseArgs } from "@std/cli";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { processUse } from "./process_use.ts";
import type { Relay, RelayKind } from "./relay_kind.ts";
import { chosenRelays, withRelays } from "./relay_peers.ts";
import { loadTitle, sendBySource } from "./smtp_source.ts";
import { inWorkFolder, settleDisk } from "./work_folder.ts";

interface Size {
  readonly kilobytes: number;
  readonly sessions: number;
}

interface Load extends Size {
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
  default: { rounds: "5", sizes: "", sessions: "", only: "", seconds: "2" },
});
const list = (name: string) => String(args[name]).split(",").filter(Boolean);
const rounds = Number(args["rounds"]);
const secondsPerRun = Number(args["seconds"]);
const kinds = chosenRelays(list("only"));

/** V8 compiles what is hot after some thousand mails; what is measured is a program that has run for a while. */
const WARM_UP_MAILS = 3000;
const WARM_UP_SESSIONS = 20;
const PROBE_MAILS = 300;
const PROBE_KILOBYTES = 100 * 1024;

const USUAL_LOADS: readonly Size[] = [
  { kilobytes: 4, sessions: 1 },
  { kilobytes: 4, sessions: 20 },
  { kilobytes: 4, sessions: 200 },
  { kilobytes: 64, sessions: 20 },
  { kilobytes: 1024, sessions: 20 },
  { kilobytes: 25 * 1024, sessions: 5 },
];

await inWorkFolder(async (folder) => {
  for (const load of chosenLoads()) {
    console.error(titleOf(load));
    await compare(load, folder);
  }
});

function chosenLoads(): Load[] {
  const [sizes, sessions] = [list("sizes").map(Number), list("sessions").map(Number)];
  const named = sizes.length + sessions.length > 0;
  const pairs = named ? everyPair(sizes.length > 0 ? sizes : [4], sessions.length > 0 ? sessions : [20]) : USUAL_LOADS;
  return pairs.flatMap((pair) => {
    // Of the largest, each session has time for one only.
    const ways = probeMails(pair) > pair.sessions ? [false, true] : [false];
    return ways.map((reuse) => ({ ...pair, reuse }));
  });
}

function everyPair(sizes: readonly number[], sessions: readonly number[]): Size[] {
  return sessions.flatMap((count) => sizes.map((kilobytes) => ({ kilobytes, sessions: count })));
}

/** So many as show how fast an X is, without filling the disk. */
function probeMails({ kilobytes, sessions }: Size): number {
  return Math.max(sessions, Math.min(PROBE_MAILS, Math.floor(PROBE_KILOBYTES / kilobytes)));
}

async function compare(load: Load, folder: string): Promise<void> {
  const results = new Map<RelayKind, Measure[]>(kinds.map((kind) => [kind, []]));
  await withRelays(kinds, folder, async (relays) => {
    const counts = new Map<Relay, number>();
    for (const relay of relays.values()) {
      const { kilobytes, sessions } = load;
      const warmUp = { kilobytes: Math.min(kilobytes, 64), sessions: Math.max(sessions, WARM_UP_SESSIONS) };
      await send(relay, { ...load, ...warmUp }, WARM_UP_MAILS);
      const probe = probeMails(load);
      const seconds = await send(relay, load, probe);
      counts.set(relay, Math.max(Math.min(40, probe), sessions, Math.round(probe / seconds * secondsPerRun)));
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
  await sendBySource({ ...load, port: relay.port, mails, bytes: load.kilobytes * 1024 });
  await relay.delivered?.();
  return (performance.now() - started) / 1000;
}

function print(load: Load, results: ReadonlyMap<RelayKind, readonly Measure[]>): void {
  const rates = (measures: readonly Measure[]) => measures.map((each) => each.mailsPerSecond);
  const named = (name: string) => [...results].find(([kind]) => kind.name.startsWith(name))?.[1];
  /** The median of what each round gives by itself: neighbours in time are compared. */
  const ratio = (measures: readonly Measure[], other: readonly Measure[] | undefined) =>
    median(rates(measures).map((rate, round) => rate / (other?.[round]?.mailsPerSecond ?? NaN)));
  const others = ["haproxy", "Postfix, before", "Postfix, queue", "Haraka"];
  const ratios = ["of haproxy", "of Postfix's filter", "of Postfix's queue", "of Haraka"];
  console.log(
    `\n**${titleOf(load)}**\n\n` +
      markdownTable(
        ["X", "mails/s", "MB/s", "± spread", ...ratios, "CPU ms", "peak MB"],
        [...results].map(([kind, measures]) => [
          kind.name,
          figure(median(rates(measures))),
          figure(median(rates(measures)) * load.kilobytes * 1024 / 1e6),
          `${Math.round(spread(rates(measures)) * 100)} %`,
          ...others.map((name) => figure(ratio(measures, named(name)))),
          figure(median(measures.map((each) => each.cpuMsPerMail))),
          figure(median(measures.map((each) => each.memoryMb))),
        ]),
      ),
  );
}

function titleOf(load: Load): string {
  return loadTitle({ ...load, bytes: load.kilobytes * 1024 });
}
