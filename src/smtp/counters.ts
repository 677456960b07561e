/** What a proxy has done since it was started. */

import type { MailEnd } from "./mail_end.ts";
import type { EndReason } from "./session_state.ts";

export interface SmtpProxyStats {
  readonly sessions: {
    readonly open: number;
    readonly total: number;
    /** Sessions by the reason of their end. */
    readonly ended: Readonly<Partial<Record<EndReason, number>>>;
  };
  /** Connections that were turned away, by reason. */
  readonly refusedConnections: Readonly<Record<string, number>>;
  readonly mails: {
    /** Taken by the target, wholly or in part. */
    readonly accepted: number;
    /** Refused by the target. */
    readonly refused: number;
    /** Complete, but the target's answer was lost. */
    readonly unknown: number;
    /** Not delivered for any other reason, by kind: "client-lost", "too-big", "copy-failed" … */
    readonly undelivered: Readonly<Record<string, number>>;
    /** Octets of the accepted mails. */
    readonly bytes: number;
  };
  /** Mails whose copy failed, refused or not. */
  readonly copyFailures: number;
  /** Commands that the proxy itself refused, and failed logins. */
  readonly commandErrors: number;
}

/** Mutable counters behind `SmtpProxyStats`. */
export class Counters {
  sessionsOpen = 0;
  sessionsTotal = 0;
  accepted = 0;
  refused = 0;
  unknown = 0;
  bytes = 0;
  copyFailures = 0;
  commandErrors = 0;
  readonly #ended = new Map<EndReason, number>();
  readonly #refusedConnections = new Map<string, number>();
  readonly #undelivered = new Map<string, number>();

  sessionEnded(reason: EndReason): void {
    this.sessionsOpen--;
    increment(this.#ended, reason);
  }

  connectionRefused(reason: string): void {
    increment(this.#refusedConnections, reason);
  }

  mailEnded(end: MailEnd, outcome: MailOutcome, size: number): void {
    if (outcome === "undelivered") return increment(this.#undelivered, end.kind);
    this[outcome]++;
    if (outcome === "accepted") this.bytes += size;
  }

  snapshot(): SmtpProxyStats {
    return {
      sessions: { open: this.sessionsOpen, total: this.sessionsTotal, ended: Object.fromEntries(this.#ended) },
      refusedConnections: Object.fromEntries(this.#refusedConnections),
      mails: {
        accepted: this.accepted,
        refused: this.refused,
        unknown: this.unknown,
        undelivered: Object.fromEntries(this.#undelivered),
        bytes: this.bytes,
      },
      copyFailures: this.copyFailures,
      commandErrors: this.commandErrors,
    };
  }
}

export type MailOutcome = "accepted" | "refused" | "unknown" | "undelivered";

/** What became of a mail, in one word. */
export function outcomeOf(end: MailEnd): MailOutcome {
  switch (end.kind) {
    case "answered":
      if (end.replies.some((reply) => reply.code < 300)) return "accepted";
      return end.lost ? "unknown" : "refused";
    case "not-started":
    case "early-reply":
      return "refused";
    case "target-lost":
      return end.stage === "after" ? "unknown" : "undelivered";
    default:
      return "undelivered";
  }
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
