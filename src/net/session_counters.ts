import { Counts } from "../base/counts.ts";

/** What became of those who connected, since the host was started. */
export interface SessionStats {
  readonly sessions: {
    readonly open: number;
    readonly total: number;
    /** Sessions by the reason of their end. */
    readonly ended: Readonly<Record<string, number>>;
  };
  /** Connections that were turned away, by reason. */
  readonly refusedConnections: Readonly<Record<string, number>>;
}

/** Mutable counters behind `SessionStats`. */
export class SessionCounters<End extends string> {
  readonly #ended = new Counts<End>();
  readonly #refused = new Counts<string>();
  #open = 0;
  #total = 0;

  sessionStarted(): void {
    this.#open++;
    this.#total++;
  }

  sessionEnded(end: End): void {
    this.#open--;
    this.#ended.add(end);
  }

  connectionRefused(reason: string): void {
    this.#refused.add(reason);
  }

  sessionStats(): SessionStats {
    return {
      sessions: { open: this.#open, total: this.#total, ended: this.#ended.snapshot() },
      refusedConnections: this.#refused.snapshot(),
    };
  }
}
