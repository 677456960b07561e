import type { Clock } from "../base/clock.ts";

/** How far long work has come. */
export interface Progress {
  /** Says that `done` units of the total are done, and what is being worked on. */
  update(done: number, detail?: string): void;
  /** Takes the bar away. Must be called, also on failure. */
  end(): void;
}

const REDRAW_EVERY_MS = 100;
const BAR_COLUMNS = 24;

/** A progress bar that redraws one line at most ten times a second; silent where `write` is null. */
export function createProgress(
  options: {
    readonly label: string;
    readonly total: number | undefined;
    readonly clock: Clock;
    readonly columns: number;
    readonly write: ((text: string) => void) | null;
  },
): Progress {
  const { label, total, clock, columns, write } = options;
  const started = clock.monotonicMs();
  let drawnAt = -Infinity;
  let drawn = false;
  return {
    update(done, detail) {
      const now = clock.monotonicMs();
      if (write === null || now - drawnAt < REDRAW_EVERY_MS) return;
      drawnAt = now;
      drawn = true;
      const line = progressLine({ label, total, done, detail, elapsedMs: now - started });
      write(`\r\x1b[2K${line.slice(0, columns - 1)}`);
    },
    end() {
      if (write !== null && drawn) write("\r\x1b[2K");
    },
  };
}

/** One line: label, bar with percentage (or the bare count), rate, time left, detail. */
export function progressLine(
  at: {
    readonly label: string;
    readonly total: number | undefined;
    readonly done: number;
    readonly detail: string | undefined;
    readonly elapsedMs: number;
  },
): string {
  const rate = at.elapsedMs > 0 ? at.done / at.elapsedMs * 1000 : 0;
  const parts = [at.label];
  if (at.total === undefined || at.total === 0) {
    parts.push(String(at.done));
  } else {
    const share = Math.min(1, at.done / at.total);
    const filled = Math.round(share * BAR_COLUMNS);
    parts.push(`[${"#".repeat(filled)}${"-".repeat(BAR_COLUMNS - filled)}]`, `${Math.floor(share * 100)}%`);
    parts.push(`${at.done}/${at.total}`);
    if (rate > 0 && at.done < at.total) parts.push(`${formatSeconds((at.total - at.done) / rate)} left`);
  }
  if (rate > 0) parts.push(`${rate.toFixed(rate < 10 ? 1 : 0)}/s`);
  if (at.detail !== undefined) parts.push(at.detail);
  return parts.join(" ");
}

function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
