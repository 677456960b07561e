import type { Clock } from "../base/clock.ts";
import { errorText, hasCode } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Timetable } from "./cron.ts";
import { due, firstMark, type Mark } from "./due.ts";
import type { Job } from "./job.ts";

/** The longest wait without a look at the clock, which may have jumped, as after a night asleep. */
const LONGEST_NAP_MS = 30_000;

/** One job: waits, runs, waits again, so that it never overlaps with itself. */
export class JobLoop {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #finished: Promise<void>;
  #job: Job;
  #timetable: Timetable;
  #mark: Mark | null = null;
  #running = false;
  #retired = false;
  #ended = false;
  #nap = new AbortController();

  constructor(job: Job, timetable: Timetable, clock: Clock, log: Logger) {
    this.#job = job;
    this.#timetable = timetable;
    this.#clock = clock;
    this.#log = log;
    this.#finished = this.#live();
  }

  get running(): boolean {
    return this.#running;
  }

  /** True once a retired job's last run is over. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when the job has ended. */
  get finished(): Promise<void> {
    return this.#finished;
  }

  /** The time of the next run in milliseconds since the epoch; null where none comes. */
  next(): number | null {
    const now = this.#clock.now();
    if (this.#mark === null) return this.#timetable.after(now);
    const state = due(this.#timetable, this.#mark, now);
    return state.kind === "now" ? now : state.at;
  }

  /**
   * Goes on with another definition of the same job, also where it was retired and hasn't ended. What was served under
   * the old timetable stays served, and a new timetable begins now.
   */
  replace(job: Job, timetable: Timetable): void {
    const rescheduled = job.schedule !== this.#job.schedule || job.timeZone !== this.#job.timeZone;
    if (rescheduled && this.#mark !== null) this.#mark = { served: Math.max(this.#mark.served, this.#clock.now()) };
    this.#job = job;
    this.#timetable = timetable;
    this.#retired = false;
    this.#nap.abort();
  }

  /** Starts no further run; one that is under way goes on to its end. */
  retire(): void {
    this.#retired = true;
    this.#nap.abort();
  }

  /** Asks a run under way to stop, starts no other, and resolves when all is still. */
  async stop(reason: unknown): Promise<void> {
    this.retire();
    this.#stopping.abort(reason);
    await this.#finished;
  }

  async #live(): Promise<void> {
    this.#mark = firstMark(await this.#lastStarted(), this.#clock.now());
    while (!this.#retired) {
      const state = due(this.#timetable, this.#mark, this.#clock.now());
      this.#mark = state.mark;
      if (state.kind === "now") await this.#run();
      else await this.#wait(state.at);
    }
    this.#ended = true;
  }

  async #lastStarted(): Promise<number | null> {
    try {
      return (await this.#job.lastStarted())?.getTime() ?? null;
    } catch (error) {
      this.#log.error("can't tell when {job} ran last, so no missed run is made up: {error}", {
        job: this.#job.name,
        error: errorText(error),
      });
      return null;
    }
  }

  async #run(): Promise<void> {
    const job = this.#job;
    this.#running = true;
    try {
      await job.run(this.#stopping.signal);
    } catch (error) {
      if (this.#stopping.signal.aborted) this.#log.info("{job} was stopped", { job: job.name });
      else if (hasCode(error, "busy")) this.#log.warning("{job} did not run: {error}", fields(job, error));
      else this.#log.error("{job} failed: {error}", fields(job, error));
    } finally {
      this.#running = false;
    }
  }

  async #wait(until: number | null): Promise<void> {
    this.#nap = new AbortController();
    const left = until === null ? LONGEST_NAP_MS : until - this.#clock.now();
    try {
      await this.#clock.sleep(Math.min(Math.max(left, 1), LONGEST_NAP_MS), this.#nap.signal);
    } catch {
      return; // woken to look at a new timetable, or to end
    }
  }
}

function fields(job: Job, error: unknown): { job: string; error: string } {
  return { job: job.name, error: errorText(error) };
}
