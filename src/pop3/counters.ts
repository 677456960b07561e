/** What a proxy has done since it was started. */

import { LimitCounts } from "../net/limit_counts.ts";
import { SessionCounters, type SessionStats } from "../net/session_counters.ts";
import { localReplies } from "./local_replies.ts";
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
  /** Answers that told a client of a limit, by what it limits: "line", "errors". */
  readonly limits: Readonly<Record<string, number>>;
}

const limitReplies: ReadonlyMap<Uint8Array, "line" | "errors"> = new Map<Uint8Array, "line" | "errors">([
  [localReplies.lineTooLong, "line"],
  [localReplies.tooManyErrors, "errors"],
]);

/** Mutable counters behind `Pop3ProxyStats`. */
export class Counters extends SessionCounters<SessionEnd> {
  copyFailures = 0;
  commandErrors = 0;
  readonly #mails = { captured: 0, known: 0, uncopied: 0, undelivered: 0 };
  readonly #limits = new LimitCounts(limitReplies);
  #bytes = 0;

  mailEnded(end: RetrievalEnd, size: number): void {
    this.#mails[end]++;
    if (end === "captured") this.#bytes += size;
  }

  /** A client was given this answer. */
  answered(reply: Uint8Array): void {
    this.#limits.answered(reply);
  }

  snapshot(): Pop3ProxyStats {
    return {
      ...this.sessionStats(),
      mails: { ...this.#mails, bytes: this.#bytes },
      copyFailures: this.copyFailures,
      commandErrors: this.commandErrors,
      limits: this.#limits.snapshot(),
    };
  }
}
