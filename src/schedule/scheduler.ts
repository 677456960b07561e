import type { Clock } from "../base/clock.ts";
import { MailteeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { parseTimetable, type Timetable } from "./cron.ts";
import type { Job } from "./job.ts";
import { JobLoop } from "./job_loop.ts";

/** A job's state for `mailtee status`. */
export interface ScheduledRun {
  readonly name: string;
  /** Null where no time comes any more. */
  readonly next: Date | null;
  readonly running: boolean;
}

export interface Scheduler {
  /** All jobs, in the order in which they were given. */
  next(): ScheduledRun[];
  /**
   * Goes on with these jobs in place of the former. Jobs are the same where their names are: what they have run already
   * isn't made up again. A run of a job that is no more goes on to its end. Throws MailteeError "config" where a
   * schedule can't be read or a name comes twice, and then nothing has changed.
   */
  update(jobs: readonly Job[]): void;
  /** Asks running jobs to stop, starts no others, and resolves when all have ended. */
  stop(): Promise<void>;
}

/**
 * Runs jobs by their schedules. A job never overlaps with itself: where it takes longer than until its next time, that
 * one is made up as soon as it ends. Jobs run beside each other.
 *
 * Throws MailteeError "config" as `update` does.
 */
export function startScheduler(
  options: { readonly jobs: readonly Job[]; readonly clock: Clock; readonly log: Logger },
): Scheduler {
  const scheduler = new JobScheduler(options.clock, options.log);
  scheduler.update(options.jobs);
  return scheduler;
}

class JobScheduler implements Scheduler {
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Jobs that are no more, until their last run has ended. */
  readonly #retired = new Map<string, JobLoop>();
  #loops = new Map<string, JobLoop>();
  #stopped = false;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  next(): ScheduledRun[] {
    return Array.from(this.#loops, ([name, loop]) => {
      const next = loop.next();
      return { name, next: next === null ? null : new Date(next), running: loop.running };
    });
  }

  update(jobs: readonly Job[]): void {
    if (this.#stopped) return;
    const timetables = parseAll(jobs);
    const loops = new Map<string, JobLoop>();
    for (const job of jobs) {
      const timetable = timetables.get(job.name);
      if (timetable !== undefined) loops.set(job.name, this.#goOn(job, timetable));
    }
    for (const [name, loop] of this.#loops) if (!loops.has(name)) this.#retire(name, loop);
    this.#loops = loops;
  }

  #goOn(job: Job, timetable: Timetable): JobLoop {
    const known = this.#loops.get(job.name) ?? this.#retired.get(job.name);
    if (known === undefined || known.ended) return new JobLoop(job, timetable, this.#clock, this.#log);
    this.#retired.delete(job.name);
    known.replace(job, timetable);
    return known;
  }

  #retire(name: string, loop: JobLoop): void {
    loop.retire();
    this.#retired.set(name, loop);
    void loop.finished.then(() => {
      if (this.#retired.get(name) === loop) this.#retired.delete(name);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const reason = new MailteeError("busy", "The program is being stopped.");
    await Promise.all([...this.#loops.values(), ...this.#retired.values()].map((loop) => loop.stop(reason)));
  }
}

function parseAll(jobs: readonly Job[]): Map<string, Timetable> {
  const timetables = new Map<string, Timetable>();
  for (const { name, schedule, timeZone } of jobs) {
    if (timetables.has(name)) throw new MailteeError("config", `two jobs are named '${name}'`);
    timetables.set(name, parseTimetable(schedule, timeZone ?? null));
  }
  return timetables;
}
