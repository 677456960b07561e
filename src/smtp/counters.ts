/** What a proxy has done since it was started. */

import { Counts } from "../base/counts.ts";
import { LimitCounts } from "../net/limit_counts.ts";
import { SessionCounters, type SessionStats } from "../net/session_counters.ts";
import { localReplies } from "./local_replies.ts";
import type { MailEnd } from "./mail_end.ts";
import type { Reply } from "./reply.ts";
import type { EndReason } from "./session_state.ts";

export interface SmtpProxyStats extends SessionStats {
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
  /** Answers that told a client of a limit, by what it limits: "line", "recipients", "size", "errors", "logins", "time". */
  readonly limits: Readonly<Record<string, number>>;
}

type Limit = "line" | "recipients" | "size" | "errors" | "logins" | "time";

const limitReplies: ReadonlyMap<Reply, Limit> = new Map<Reply, Limit>([
  [localReplies.lineTooLong, "line"],
  [localReplies.authLineTooLong, "line"],
  [localReplies.tooManyRecipients, "recipients"],
  [localReplies.tooBig, "size"],
  [localReplies.tooManyErrors, "errors"],
  [localReplies.tooManyLogins, "logins"],
  [localReplies.clientTimeout, "time"],
]);

/** Mutable counters behind `SmtpProxyStats`. */
export class Counters extends SessionCounters<EndReason> {
  copyFailures = 0;
  commandErrors = 0;
  readonly #mails = { accepted: 0, refused: 0, unknown: 0 };
  readonly #undelivered = new Counts<string>();
  readonly #limits = new LimitCounts(limitReplies);
  #bytes = 0;

  mailEnded(end: MailEnd, outcome: MailOutcome, size: number): void {
    if (outcome === "undelivered") return this.#undelivered.add(end.kind);
    this.#mails[outcome]++;
    if (outcome === "accepted") this.#bytes += size;
  }

  /** A client was given this answer. */
  answered(reply: Reply): void {
    this.#limits.answered(reply);
  }

  snapshot(): SmtpProxyStats {
    return {
      ...this.sessionStats(),
      mails: { ...this.#mails, undelivered: this.#undelivered.snapshot(), bytes: this.#bytes },
      copyFailures: this.copyFailures,
      commandErrors: this.commandErrors,
      limits: this.#limits.snapshot(),
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
