/** When a job is due, also where the wall clock jumps. */

import type { Timetable } from "./cron.ts";

/**
 * How far a job has come in its timetable: all times up to and including `served` are settled, be it by a run or
 * because they lay before the job's beginning. Milliseconds since the Unix epoch.
 */
export interface Mark {
  readonly served: number;
}

/** What a job has to do at some moment. */
export type Due =
  /** Run now; afterwards `mark` holds. Several times that were missed are made up by one run. */
  | { readonly kind: "now"; readonly mark: Mark }
  /** Wait until `at`; null where no time comes any more. */
  | { readonly kind: "later"; readonly at: number | null; readonly mark: Mark };

/** Where a job begins that was last started at `lastStarted`; null where it never was and nothing can be made up. */
export function firstMark(lastStarted: number | null, now: number): Mark {
  return { served: lastStarted ?? now };
}

/**
 * Looks at the clock.
 *
 * Where the clock was set back, times that were served come again. They aren't served twice, unless it was set back by
 * more than half of the time between two runs: then not to run would be the larger mistake, and the clock is taken as it
 * now stands.
 */
export function due(timetable: Timetable, mark: Mark, now: number): Due {
  const base = setBackTooFar(timetable, mark.served, now) ? now : mark.served;
  const next = timetable.after(base);
  if (next === null || next > now) return { kind: "later", at: next, mark: { served: base } };
  return { kind: "now", mark: { served: timetable.atOrBefore(now) ?? now } };
}

function setBackTooFar(timetable: Timetable, served: number, now: number): boolean {
  if (now >= served) return false;
  const next = timetable.after(served);
  if (next === null) return true;
  const previous = timetable.atOrBefore(served) ?? served;
  return served - now > (next - previous) / 2;
}
