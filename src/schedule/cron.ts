import { Cron } from "croner";
import { errorText, MailteeError } from "../base/errors.ts";

/** The times of a cron expression in a time zone, as milliseconds since the Unix epoch. */
export interface Timetable {
  /** The first time after `ms`; null where there is none. */
  after(ms: number): number | null;
  /** The last time at or before `ms`; null where there is none. */
  atOrBefore(ms: number): number | null;
}

/**
 * Reads a cron expression (five to seven fields, or `@daily` and its like). `timeZone` is an IANA name; null is the
 * machine's own.
 *
 * Daylight saving: a fixed time of the day that the clock leaps over runs when the clock has leapt, and one that comes
 * twice runs the first time; expressions with `*` hours follow the clock as it stands.
 *
 * Throws MailteeError "config".
 */
export function parseTimetable(expression: string, timeZone: string | null): Timetable {
  try {
    const cron = new Cron(expression, { paused: true, ...(timeZone === null ? {} : { timezone: timeZone }) });
    if (cron.getOnce() !== null) throw new Error("it is a date, not a cron expression");
    cron.nextRun(new Date(0)); // croner looks at the time zone only here
    return {
      after: (ms) => cron.nextRun(new Date(ms))?.getTime() ?? null,
      atOrBefore: (ms) => cron.previousRuns(1, new Date(ms + 1))[0]?.getTime() ?? null,
    };
  } catch (error) {
    const zone = timeZone === null ? "" : ` in the time zone '${timeZone}'`;
    throw new MailteeError("config", `the schedule '${expression}'${zone} can't be used: ${errorText(error)}`, {
      cause: error,
      hint: `A cron expression has five fields: "0 2 * * *" is every day at two.`,
    });
  }
}
