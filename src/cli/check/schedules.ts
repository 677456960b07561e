import type { ProfileConfig } from "../../config/types.ts";
import { parseTimetable } from "../../schedule/cron.ts";

/** When a profile will run. */
export interface UpcomingRuns {
  readonly profile: string;
  readonly schedule: string | null;
  readonly timeZone: string | null;
  /** The next times, in milliseconds since the Unix epoch; none without a schedule. */
  readonly next: readonly number[];
}

const SHOWN_TIMES = 3;

/** The next times of a profile after `now`. */
export function upcomingRuns({ name, schedule, timeZone }: ProfileConfig, now: number): UpcomingRuns {
  const next: number[] = [];
  const timetable = schedule === null ? null : parseTimetable(schedule, timeZone);
  for (let at = timetable?.after(now) ?? null; at !== null && next.length < SHOWN_TIMES;) {
    next.push(at);
    at = timetable?.after(at) ?? null;
  }
  return { profile: name, schedule, timeZone, next };
}
