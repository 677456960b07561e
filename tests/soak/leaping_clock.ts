import type { Clock } from "../../src/base/clock.ts";

interface Sleeper {
  /** By `monotonicMs`. */
  readonly at: number;
  readonly wake: () => void;
  timer: ReturnType<typeof setTimeout>;
}

/** A clock that runs with the machine's own, and leaps ahead when it is told to: over the time in which nothing happens. */
export class LeapingClock implements Clock {
  readonly #wall: number;
  readonly #began = performance.now();
  readonly #sleepers = new Set<Sleeper>();
  #leapt = 0;

  /** Begins at a moment, milliseconds since the epoch. */
  constructor(wall: number) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall + this.monotonicMs();
  }

  monotonicMs(): number {
    return performance.now() - this.#began + this.#leapt;
  }

  /** How many sleep. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const end = () => {
        clearTimeout(sleeper.timer);
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", onAbort);
      };
      const wake = () => {
        end();
        resolve();
      };
      const onAbort = () => {
        end();
        reject(signal?.reason);
      };
      const sleeper: Sleeper = { at: this.monotonicMs() + ms, wake, timer: setTimeout(wake, ms) };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Goes to a moment, if it isn't past; wakes on the way whoever has slept long enough, one after the other. */
  async leapTo(wall: number): Promise<void> {
    const end = wall - this.#wall;
    for (let next = this.#firstUntil(end); next !== undefined; next = this.#firstUntil(end)) {
      this.#advanceTo(next.at);
      next.wake();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    this.#advanceTo(end);
    for (const sleeper of this.#sleepers) {
      clearTimeout(sleeper.timer);
      sleeper.timer = setTimeout(sleeper.wake, sleeper.at - this.monotonicMs());
    }
  }

  #firstUntil(end: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at <= end && (first === undefined || sleeper.at < first.at)) first = sleeper;
    }
    return first;
  }

  #advanceTo(monotonicMs: number): void {
    this.#leapt += Math.max(0, monotonicMs - this.monotonicMs());
  }
}
