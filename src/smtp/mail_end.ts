/** How the sending of one mail can end, and what the client hears of it. Pure; docs/rfc.md has the same table in words. */

import { localReplies } from "./local_replies.ts";
import type { Reply } from "./reply.ts";

/** Why nothing more can be had from the target. */
export type TargetLoss = "closed" | "timeout" | "malformed";

export type MailEnd =
  /** The target answered the end of the mail: one reply; LMTP one per recipient. `lost` where some are our own. */
  | { readonly kind: "answered"; readonly replies: readonly Reply[]; readonly lost: boolean }
  /** The target refused DATA itself. */
  | { readonly kind: "not-started"; readonly reply: Reply }
  /** "before": the target has heard nothing of the mail yet. */
  | { readonly kind: "copy-failed"; readonly stage: "before" | "during"; readonly noSpace: boolean }
  /** "after": the end of the mail was sent, so the target may have accepted it. */
  | { readonly kind: "target-lost"; readonly stage: "before" | "during" | "after"; readonly loss: TargetLoss }
  /** The target answered before the end of the mail. */
  | { readonly kind: "early-reply"; readonly reply: Reply }
  | { readonly kind: "too-big" }
  | { readonly kind: "refused-octets"; readonly offence: "bare-cr" | "bare-lf" | "nul" }
  /** The client sent mail before the target was ready for it. */
  | { readonly kind: "early-talk" }
  /** The mail was refused, but the client went on sending it until its time was up. */
  | { readonly kind: "endless"; readonly cause: MailEnd }
  | { readonly kind: "client-lost"; readonly how: "closed" | "timeout" };

export interface MailSettlement {
  /** What the client hears, in order. */
  readonly answers: readonly Reply[];
  /** False where the connection to the target was cut, so that it can't take half a mail for a whole one. */
  readonly targetOpen: boolean;
  /** False where the session ends with this mail. */
  readonly clientOpen: boolean;
  /** False where MAIL and RCPT are still in force at the target. */
  readonly transactionOver: boolean;
}

/** How many answers the client waits for. */
export interface AnswersDue {
  /** As long as the target hasn't asked for the mail. */
  readonly before: number;
  /** At the end of the mail. */
  readonly after: number;
}

const ONE_ANSWER: AnswersDue = { before: 1, after: 1 };

/**
 * The answers that a command which sends a mail, or a part of one, has: in LMTP, one for each accepted recipient where
 * it ends the mail (RFC 2033 sections 4.2 and 4.3).
 */
export function answersDue(sending: "data" | "chunk" | "last-chunk", recipients: number): AnswersDue {
  if (sending === "chunk") return ONE_ANSWER;
  return { before: sending === "data" ? 1 : recipients, after: recipients };
}

/** What follows from the end of a mail. Where the session goes on, the client hears all answers that are due. */
export function settleMail(end: MailEnd, due: AnswersDue = ONE_ANSWER): MailSettlement {
  switch (end.kind) {
    case "answered": {
      const closing = end.replies.some((reply) => reply.code === 421);
      return { answers: end.replies, targetOpen: !end.lost && !closing, clientOpen: !closing, transactionOver: true };
    }
    case "not-started": {
      const closing = end.reply.code === 421;
      return { answers: [end.reply], targetOpen: !closing, clientOpen: !closing, transactionOver: false };
    }
    case "copy-failed": {
      const answer = end.noSpace ? localReplies.copyNoSpace : localReplies.copyFailed;
      return end.stage === "before"
        ? { ...mailOver(answer, due.before), targetOpen: true }
        : mailOver(answer, due.after);
    }
    case "target-lost":
      return end.stage === "before" ? sessionOver(lossOfSession[end.loss]) : mailOver(lossOfMail[end.loss], due.after);
    case "early-reply":
      return end.reply.code === 421 ? sessionOver(end.reply) : mailOver(notPositive(end.reply), due.after);
    case "too-big":
      return mailOver(localReplies.tooBig, due.after);
    case "refused-octets":
      return mailOver(offenceReplies[end.offence], due.after);
    case "early-talk":
      return sessionOver(localReplies.synchronization);
    case "endless":
      return { ...settleMail(end.cause), clientOpen: false };
    case "client-lost":
      return end.how === "timeout"
        ? sessionOver(localReplies.clientTimeout)
        : { answers: [], targetOpen: false, clientOpen: false, transactionOver: true };
  }
}

/** The replies for a client that waits for the end of its session. */
export const lossOfSession: Readonly<Record<TargetLoss, Reply>> = {
  closed: localReplies.targetLost,
  timeout: localReplies.targetTimeout,
  malformed: localReplies.targetUnintelligible,
};

/** The replies for a client that waits for the fate of its mail. */
export const lossOfMail: Readonly<Record<TargetLoss, Reply>> = {
  closed: localReplies.answerLost,
  timeout: localReplies.answerTimeout,
  malformed: localReplies.unintelligible,
};

const offenceReplies = {
  "bare-cr": localReplies.bareCarriageReturn,
  "bare-lf": localReplies.bareLineFeed,
  "nul": localReplies.nulOctet,
} as const;

function mailOver(answer: Reply, times: number): MailSettlement {
  return { answers: new Array<Reply>(times).fill(answer), targetOpen: false, clientOpen: true, transactionOver: true };
}

function sessionOver(answer: Reply): MailSettlement {
  return { answers: [answer], targetOpen: false, clientOpen: false, transactionOver: true };
}

/** A target that says "accepted" before it has the whole mail can't be believed. */
function notPositive(reply: Reply): Reply {
  return reply.code < 400 ? localReplies.unintelligible : reply;
}
