/**
 * `deno task faults [HARNESS...] [--seed N] [--times N]`: every fault harness at length, and a table of what was found.
 * The same seed gives the same run; without one the seed is the time. Ends with 1 where a rule was broken.
 */

import { parseArgs } from "@std/cli";
import { formatTable } from "../../src/cli/table.ts";
import { killArchivers } from "./archive_kill.ts";
import { cutDropFolders } from "./cut_drop_folder.ts";
import { cutStores } from "./cut_store.ts";
import { cutImages } from "./image_cut.ts";
import { cutLives } from "./kill.ts";
import type { Violation } from "./ledgers.ts";
import { whyNoLoopMounts } from "./loop_image.ts";
import { killTraced } from "./traced_kill.ts";

/** What a harness has to say at its end. */
interface Outcome {
  readonly cuts: number;
  /** Cuts that struck while there was work. */
  readonly fired: number;
  readonly captures: number;
  readonly violations: readonly Violation[];
}

interface Harness {
  readonly what: string;
  /** `times` makes it so many times as long. */
  readonly run: (seed: number, times: number, progress: (done: number) => void) => Promise<Outcome>;
}

const HARNESSES: Readonly<Record<string, Harness>> = {
  "kill-in-turn": {
    what: "death at each step in turn, in process",
    run: (seed, times, progress) => cutLives({ seed, cuts: 360 * times, atOnce: false, progress }),
  },
  "kill-at-once": {
    what: "death at steps by chance, all clients at once, in process",
    run: (seed, times, progress) => cutLives({ seed, cuts: 500 * times, atOnce: true, progress }),
  },
  "kill-traced": {
    what: "SIGKILL of the program at a system call",
    run: (seed, times, progress) => killTraced({ seed, cuts: 28 * times, progress }),
  },
  "kill-archivers": {
    what: "SIGKILL of two archivers on one drop folder at a system call",
    run: (seed, times, progress) => killArchivers({ seed, cuts: 25 * times, progress }),
  },
  "power-image": {
    what: "power cut of an ext4 image that the program works on",
    run: async (seed, times, progress) => {
      const refusal = await whyNoLoopMounts();
      if (refusal === null) return await cutImages({ seed, cuts: 25 * times, progress });
      console.error(`  skipped: ${refusal}`);
      return { cuts: 0, fired: 0, captures: 0, violations: [] };
    },
  },
  "power-drop": {
    what: "power cut of a modelled disk, drop folder",
    run: async (seed, times, progress) => allFired(await cutDropFolders({ seed, ...records(times), progress })),
  },
  "power-store": {
    what: "power cut of a modelled disk, content store",
    run: async (seed, times, progress) => allFired(await cutStores({ seed, ...records(times), progress })),
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
  const args = parseArgs(Deno.args, { string: ["seed", "times"] });
  const names = args._.length > 0 ? args._.map(String) : Object.keys(HARNESSES);
  const unknown = names.filter((name) => HARNESSES[name] === undefined);
  if (unknown.length > 0) {
    console.error(`no harness ${unknown.join(", ")}; there are ${Object.keys(HARNESSES).join(", ")}`);
    return 2;
  }
  const seed = Number(args.seed ?? Date.now() % 1_000_000);
  const rows: Row[] = [];
  for (const name of names) {
    const harness = HARNESSES[name];
    if (harness === undefined) continue;
    console.error(`${name}: ${harness.what}, seed ${seed}`);
    const started = performance.now();
    const outcome = await harness.run(seed, Number(args.times ?? 1), (done) => {
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
