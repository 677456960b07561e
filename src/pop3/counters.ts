/** What a proxy has done since it was started. */

import { SessionCounters, type SessionStats } from "../net/session_counters.ts";
import type { EndReason } from "./session_state.ts";

/** How a session ends besides what its reducer says. */
export type SessionEnd = EndReason | "target-unreachable" | "target-tls" | "internal-error";

/** What becomes of a retrieval: captured; delivered though it was captured before, or without a copy; not delivered. */
export type RetrievalEnd = "captured" | "known" | "uncopied" | "undelivered";

export interface Pop3ProxyStats extends SessionStats {
  readonly mails: {
    readonly captured: number;
    /** Delivered and not captured again, with `recapture: "never"`. */
    readonly known: number;
    /** Delivered without a copy, with `onCaptureFailure: "pass"`. */
    readonly uncopied: number;
    /** Not delivered, or not to the end. */
    readonly undelivered: number;
    /** Octets of the captured mails. */
    readonly bytes: number;
  };
  /** Mails whose copy failed, refused or not. */
  readonly copyFailures: number;
  /** Lines that the proxy itself refused. */
  readonly commandErrors: number;
}

/** Mutable counters behind `Pop3ProxyStats`. */
export class Counters extends SessionCounters<SessionEnd> {
  copyFailures = 0;
  commandErrors = 0;
  readonly #mails = { captured: 0, known: 0, uncopied: 0, undelivered: 0 };
  #bytes = 0;

  mailEnded(end: RetrievalEnd, size: number): void {
    this.#mails[end]++;
    if (end === "captured") this.#bytes += size;
  }

  snapshot(): Pop3ProxyStats {
    return {
      ...this.sessionStats(),
      mails: { ...this.#mails, bytes: this.#bytes },
      copyFailures: this.copyFailures,
      commandErrors: this.commandErrors,
    };
  }
}
