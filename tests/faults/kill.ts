/** Lives that are cut at a step, each followed by a start, a run of the archiver, and a look into the four ledgers. */

import { join } from "@std/path";
import { openArchive } from "../../src/archive/archive.ts";
import type { Archive } from "../../src/archive/types.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openDropWriter } from "../../src/drop/writer.ts";
import { runProfile } from "../../src/ingest/run_profile.ts";
import { memoryFolder } from "../unit/drop/samples.ts";
import { Fate } from "./fate.ts";
import { archiveViolations, type CopiedMail, readCopies, type Violation, violations } from "./ledgers.ts";
import { countSteps, live, type Sowing } from "./life.ts";
import { startUpstream } from "./upstream.ts";

export interface KillOptions {
  readonly seed: number;
  /** How many lives are cut. */
  readonly cuts: number;
  /** All clients at once, cut at a step by chance; otherwise in turn, cut at one step after the other. */
  readonly atOnce: boolean;
  /** The step that the first life is cut at. @default 0 */
  readonly from?: number;
  readonly sowing?: Sowing & { readonly archive?: (real: Archive) => Archive };
  readonly progress?: (done: number) => void;
}

export interface KillResult {
  readonly cuts: number;
  /** Lives whose fate struck before their load was done. */
  readonly fired: number;
  /** Steps of one whole life. */
  readonly steps: number;
  readonly captures: number;
  readonly violations: readonly Violation[];
}

const USERS = [{ name: "all", addresses: ["*@company.example", "*@other.example"], pop3Users: ["carla"] }];

/** Cuts one life after the other. The same options give the same cuts, where the clients take turns. */
export async function cutLives(options: KillOptions): Promise<KillResult> {
  const { seed, cuts, atOnce, sowing = {} } = options;
  const folder = await Deno.makeTempDir({ prefix: "mailtee-kill-", ...(memoryFolder && { dir: memoryFolder }) });
  const opened = await openArchive(join(folder, "archive"));
  const archive = sowing.archive?.(opened) ?? opened;
  const found: Violation[] = [];
  const copies: CopiedMail[] = [];
  let fired = 0;
  try {
    const upstream = startUpstream();
    const steps = await countSteps({ drop: join(folder, "first"), upstream, seed, atOnce });
    await upstream.close();
    for (let cut = 0; cut < cuts; cut++) {
      const lifeSeed = atOnce ? seed + cut : seed;
      const chance = new Fate(lifeSeed).random();
      const at = atOnce ? Math.floor(chance * steps) : ((options.from ?? 0) + cut) % steps;
      const drop = join(folder, `drop-${cut}`);
      const life = await cutLife(drop, lifeSeed, at, options);
      copies.push(...life.copies);
      if (life.fired) fired++;
      const problems = [...life.problems, ...await archiveLife(drop, archive, life.copies, cut % 2 === 0)];
      found.push(...problems.map((problem) => `seed ${lifeSeed}, step ${at} (${life.step}): ${problem}`));
      await Deno.remove(drop, { recursive: true });
      options.progress?.(cut + 1);
    }
    for (const problem of await archiveViolations(archive, copies)) found.push(`the archive of all lives: ${problem}`);
    return { cuts, fired, steps, captures: copies.length, violations: found };
  } finally {
    archive.close();
    await Deno.remove(folder, { recursive: true });
  }
}

interface CutLife {
  readonly fired: boolean;
  /** Where it died. */
  readonly step: string;
  readonly copies: readonly CopiedMail[];
  readonly problems: readonly Violation[];
}

async function cutLife(drop: string, seed: number, at: number, options: KillOptions): Promise<CutLife> {
  const upstream = startUpstream();
  try {
    const fate = new Fate(seed, at);
    const told = await live({ drop, upstream, seed, fate, ...pick(options) });
    const next = await openDropWriter(drop);
    const failed = next.recovery.failed.map(({ path, reason }) => `recovery failed: ${path}: ${reason}`);
    await next.close();
    const { copies, disorder } = await readCopies(drop);
    const problems = violations({ told, held: upstream.held, copies, disorder: [...failed, ...disorder] }, "killed");
    return { fired: fate.lastStep !== "", step: fate.lastStep.replaceAll(drop, ""), copies, problems };
  } finally {
    await upstream.close();
  }
}

function pick({ atOnce, sowing }: KillOptions): { atOnce: boolean; sowing?: Sowing } {
  return sowing === undefined ? { atOnce } : { atOnce, sowing };
}

/** Runs the archiver twice: the second time it must find nothing new. */
async function archiveLife(
  drop: string,
  archive: Archive,
  copies: readonly CopiedMail[],
  deleteArchived: boolean,
): Promise<Violation[]> {
  const profile = { name: "all", dropFolder: drop, deleteArchived, deleteUnassigned: false };
  const signal = new AbortController().signal;
  const run = () => runProfile({ profile, archive, users: USERS, clock: systemClock, signal });
  const first = await run();
  const second = await run();
  const found: Violation[] = [];
  if (first.archived !== copies.length) found.push(`${first.archived} archived of ${copies.length} captures`);
  if (second.archived !== 0) found.push(`${second.archived} captures were archived a second time`);
  for (const { file, reason } of first.notArchived) found.push(`${file} isn't archived: ${reason}`);
  return found;
}
