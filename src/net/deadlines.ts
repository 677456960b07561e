/** Something that has a deadline. */
export interface Deadlined {
  /** In milliseconds of the sweeper's time. */
  readonly deadline: number;
  /** Called on every sweep after the deadline, until `unwatch` or a later deadline. */
  expire(): void;
}

/** How a sweeper tells the time and is woken. */
export interface SweepTiming {
  /** Milliseconds since an arbitrary start; never goes back. */
  readonly monotonicMs: () => number;
  /** Calls `sweep` from time to time until the function that it gives is called. */
  readonly repeat: (sweep: () => void) => () => void;
}

const SWEEP_INTERVAL_MS = 250;

const systemTiming: SweepTiming = {
  monotonicMs: () => performance.now(),
  repeat(sweep) {
    const timer = setInterval(sweep, SWEEP_INTERVAL_MS);
    // What waits under a deadline waits for a socket, and that keeps the program running.
    Deno.unrefTimer(timer);
    return () => clearInterval(timer);
  },
};

/**
 * Deadlines of many connections by one timer, which runs only while there are any. Setting a deadline costs a
 * comparison, not a timer; in return it may pass a quarter of a second late.
 */
export class DeadlineSweeper {
  readonly #timing: SweepTiming;
  readonly #watched = new Set<Deadlined>();
  /** No watched deadline is before this one. */
  #earliest = Infinity;
  #stop: (() => void) | null = null;

  constructor(timing: SweepTiming = systemTiming) {
    this.#timing = timing;
  }

  /** The sweeper's time in milliseconds. */
  now(): number {
    return this.#timing.monotonicMs();
  }

  /** How many are watched. */
  get size(): number {
    return this.#watched.size;
  }

  /** Takes in `deadlined`, or takes note of its new deadline. */
  watch(deadlined: Deadlined): void {
    this.#watched.add(deadlined);
    if (deadlined.deadline < this.#earliest) this.#earliest = deadlined.deadline;
    this.#stop ??= this.#timing.repeat(() => this.sweep());
  }

  unwatch(deadlined: Deadlined): void {
    if (!this.#watched.delete(deadlined) || this.#watched.size > 0) return;
    this.#stop?.();
    this.#stop = null;
    this.#earliest = Infinity;
  }

  /** Expires all whose deadline has passed. */
  sweep(): void {
    const now = this.now();
    if (now < this.#earliest) return;
    this.#earliest = Infinity;
    for (const deadlined of this.#watched) {
      if (deadlined.deadline <= now) deadlined.expire();
      // What expire() has just removed may still lower this; the next sweep sets it right.
      if (deadlined.deadline < this.#earliest) this.#earliest = deadlined.deadline;
    }
  }
}

/** The sweeper of all connections of this process. */
export const processDeadlines = new DeadlineSweeper();
