/**
 * `deno task faults [HARNESS...] [--seed N] [--times N] [--minutes N]`: every fault harness at length, and a table of
 * what was found. The same seed gives the same run; without one the seed is the time. Ends with 1 where a rule was
 * broken. `--minutes` is for the harness that goes by time, chaos.
 */

import { parseArgs } from "@std/cli";
import { formatTable } from "../../src/cli/table.ts";
import { killArchivers } from "./archive_kill.ts";
import { runChaos } from "./chaos.ts";
import { cutDropFolders } from "./cut_drop_folder.ts";
import { cutStores } from "./cut_store.ts";
import { cutImages } from "./image_cut.ts";
import { cutLives } from "./kill.ts";
import type { Violation } from "./ledgers.ts";
import { whyNoLoopMounts } from "./loop_image.ts";
import { killTraced } from "./traced_kill.ts";

/** What a harness has to say at its end. */
interface Outcome {
  /** In chaos: sessions. */
  readonly cuts: number;
  /** Cuts that struck while there was work. In chaos: connections that met trouble. */
  readonly fired: number;
  readonly captures: number;
  readonly violations: readonly Violation[];
}

interface Length {
  /** So many times as long as it is without being told. */
  readonly times: number;
  readonly minutes: number;
}

interface Harness {
  readonly what: string;
  readonly run: (seed: number, length: Length, progress: (done: number) => void) => Promise<Outcome>;
}

const HARNESSES: Readonly<Record<string, Harness>> = {
  "kill-in-turn": {
    what: "death at each step in turn, in process",
    run: (seed, { times }, progress) => cutLives({ seed, cuts: 360 * times, atOnce: false, progress }),
  },
  "kill-at-once": {
    what: "death at steps by chance, all clients at once, in process",
    run: (seed, { times }, progress) => cutLives({ seed, cuts: 500 * times, atOnce: true, progress }),
  },
  "kill-traced": {
    what: "SIGKILL of the program at a system call",
    run: (seed, { times }, progress) => killTraced({ seed, cuts: 28 * times, progress }),
  },
  "kill-archivers": {
    what: "SIGKILL of two archivers on one drop folder at a system call",
    run: (seed, { times }, progress) => killArchivers({ seed, cuts: 25 * times, progress }),
  },
  "power-image": {
    what: "power cut of an ext4 image that the program works on",
    run: async (seed, { times }, progress) => {
      const refusal = await whyNoLoopMounts();
      if (refusal === null) return await cutImages({ seed, cuts: 25 * times, progress });
      console.error(`  skipped: ${refusal}`);
      return { cuts: 0, fired: 0, captures: 0, violations: [] };
    },
  },
  "power-drop": {
    what: "power cut of a modelled disk, drop folder",
    run: async (seed, { times }, progress) => allFired(await cutDropFolders({ seed, ...records(times), progress })),
  },
  "power-store": {
    what: "power cut of a modelled disk, content store",
    run: async (seed, { times }, progress) => allFired(await cutStores({ seed, ...records(times), progress })),
  },
  "network-chaos": {
    what: "trouble on every way between clients, program and target, and a rest after each minute",
    run: async (seed, { minutes }) => {
      const { sessions, struck, captures, violations } = await runChaos({
        seed,
        ms: minutes * 60_000,
        progress: (round, holdings) => console.error(`  round ${round}: ${JSON.stringify(holdings)}`),
      });
      return { cuts: sessions, fired: struck, captures, violations };
    },
  },
};

function records(times: number): { records: number; cutsPerRecord: number } {
  return { records: 20 * times, cutsPerRecord: 50 };
}

function allFired(outcome: Omit<Outcome, "fired">): Outcome {
  return { ...outcome, fired: outcome.cuts };
}

interface Row extends Outcome {
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
}

async function main(): Promise<number> {
  const args = parseArgs(Deno.args, { string: ["seed", "times", "minutes"] });
  const names = args._.length > 0 ? args._.map(String) : Object.keys(HARNESSES);
  const unknown = names.filter((name) => HARNESSES[name] === undefined);
  if (unknown.length > 0) {
    console.error(`no harness ${unknown.join(", ")}; there are ${Object.keys(HARNESSES).join(", ")}`);
    return 2;
  }
  const seed = Number(args.seed ?? Date.now() % 1_000_000);
  const length = { times: Number(args.times ?? 1), minutes: Number(args.minutes ?? 10) };
  const rows: Row[] = [];
  for (const name of names) {
    const harness = HARNESSES[name];
    if (harness === undefined) continue;
    console.error(`${name}: ${harness.what}, seed ${seed}`);
    const started = performance.now();
    const outcome = await harness.run(seed, length, (done) => {
      if (done % 100 === 0) console.error(`  ${done} cuts`);
    });
    rows.push({ ...outcome, name, seed, seconds: (performance.now() - started) / 1000 });
    for (const violation of outcome.violations) console.error(`  VIOLATION ${violation}`);
  }
  console.log(table(rows));
  return rows.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

function table(rows: readonly Row[]): string {
  return formatTable(rows, [
    { title: "Harness", text: ({ name }) => name },
    { title: "Seed", text: ({ seed }) => String(seed), align: "right" },
    { title: "Cuts", text: ({ cuts }) => String(cuts), align: "right" },
    { title: "Fired", text: ({ fired }) => String(fired), align: "right" },
    { title: "Captures", text: ({ captures }) => String(captures), align: "right" },
    { title: "Violations", text: ({ violations }) => String(violations.length), align: "right" },
    { title: "Seconds", text: ({ seconds }) => seconds.toFixed(0), align: "right" },
  ], 100);
}

if (import.meta.main) Deno.exit(await main());
