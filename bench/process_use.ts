/** What processes have used so far, from Linux's /proc. */

import { errorNumber } from "../src/base/files.ts";

export interface ProcessUse {
  /** User and system time of all. */
  readonly cpuMs: number;
  /** Peak resident memory of all together. */
  readonly peakMb: number;
}

/** Linux counts process times in hundredths of a second (USER_HZ). */
const MS_PER_TICK = 10;

/** Sums up; a process that is gone counts nothing. */
export function processUse(pids: readonly number[]): ProcessUse {
  let cpuMs = 0;
  let peakMb = 0;
  for (const pid of pids) {
    try {
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      // Fields after the name in parentheses: state is the 3rd of all, utime the 14th, stime the 15th.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      // After them those of children that have ended and were waited for.
      for (const field of fields.slice(11, 15)) cpuMs += Number(field) * MS_PER_TICK;
      const peak = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
      peakMb += Number(peak?.[1] ?? 0) / 1024;
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return { cpuMs, peakMb };
}

/** Resident memory of a process now, in MB. */
export function residentMb(pid: number): number {
  const resident = /VmRSS:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  return Number(resident?.[1] ?? NaN) / 1024;
}

/** A process and all that it started; one that ends meanwhile is left out. */
export async function descendants(pid: number): Promise<number[]> {
  const all = [pid];
  try {
    for (const task of Deno.readDirSync(`/proc/${pid}/task`)) {
      const children = await Deno.readTextFile(`/proc/${pid}/task/${task.name}/children`);
      for (const child of children.split(" ").filter(Boolean)) all.push(...await descendants(Number(child)));
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return all;
}

/** True of what /proc says where a process has ended, before or while it is being read. */
function isGone(error: unknown): boolean {
  return ["ENOENT", "ESRCH"].includes(errorNumber(error) ?? "");
}
