/**
 * The SMTP session in the middle as a pure function: state and event give a new state and effects. It decides what a
 * client may say when, keeps replies in order, and knows what the target has accepted; it touches no socket.
 */

import { isResponse } from "../sasl/base64.ts";
import { authenticationIdentity } from "../sasl/identity.ts";
import { decodeLatin1, encodeUtf8 } from "../base/bytes.ts";
import { filterHelloReply, noExtensions } from "./extensions.ts";
import { localReplies } from "./local_replies.ts";
import { type AnswersDue, answersDue, lossOfSession, type MailEnd, settleMail, type TargetLoss } from "./mail_end.ts";
import { formatReply, isPositive, type Reply, replyLines, replyText } from "./reply.ts";
import { breakOffOwnLogin, continueOwnLogin, onLoginChecked } from "./own_login.ts";
import { onCommand } from "./session_commands.ts";
import { Turn } from "./session_turn.ts";
import type { LineProblem, SessionEvent, SessionState, Step, Transaction } from "./session_state.ts";

const CANCEL = encodeUtf8("*");

/** What an event changes, and what there is to do. Line and reply bytes in effects are those of the event. */
export function step(state: SessionState, event: SessionEvent): Step {
  const turn = new Turn(state);
  if (!state.ended) react(turn, event);
  return { state: turn.state, effects: turn.effects };
}

function react(turn: Turn, event: SessionEvent): void {
  switch (event.kind) {
    case "greeting":
      turn.set({ refused: !isPositive(event.reply) });
      return turn.answer(event.reply);
    case "command":
      return onCommand(turn, event.command, event.line, event.talkedOn);
    case "bad-line":
      return onBadLine(turn, event.problem);
    case "auth-response":
      return onAuthResponse(turn, event.line);
    case "reply":
      return onReply(turn, event.reply);
    case "introduced":
      return onIntroduced(turn, event);
    case "introduction-failed":
      turn.answer(event.answer);
      return turn.end(event.reason);
    case "client-tls-started":
      return onClientTls(turn);
    case "login-checked":
      return onLoginChecked(turn, event.outcome, event.username);
    case "mail-ended":
      return onMailEnded(turn, event.end);
    case "chunk-answered":
      return onChunkAnswered(turn, event.reply);
    case "chunk-skipped":
      return onChunkSkipped(turn, event.answer);
    case "client-lost":
      if (event.how === "timeout") turn.answer(localReplies.clientTimeout);
      return turn.end(
        event.how === "timeout" ? "client-timeout" : event.how === "tls" ? "client-tls" : "client-closed",
      );
    case "target-lost":
      return onTargetLost(turn, event.loss);
    case "shutdown":
      turn.answerNow(localReplies.shuttingDown);
      return turn.end("shutdown");
  }
}

function onBadLine(turn: Turn, problem: LineProblem): void {
  // What follows may be the rest of what the client took for one line.
  if (problem === "bare-lf") return turn.answer(localReplies.bareNewline, "client-protocol");
  const tooLong = problem === "too-long";
  if (turn.state.ownExchange !== null) {
    return breakOffOwnLogin(turn, tooLong ? localReplies.authLineTooLong : localReplies.bareNewline);
  }
  if (turn.state.exchange !== null) {
    return cancelAuth(turn, tooLong ? localReplies.authLineTooLong : localReplies.bareNewline);
  }
  turn.refuse(tooLong ? localReplies.lineTooLong : localReplies.bareNewline);
}

function onAuthResponse(turn: Turn, line: Uint8Array): void {
  const { exchange, ownExchange } = turn.state;
  if (ownExchange !== null) return continueOwnLogin(turn, ownExchange, line);
  if (exchange === null) return;
  const response = decodeLatin1(line);
  // Whatever the target makes of a response, it can't be a MAIL or RCPT.
  if (!isResponse(response)) return cancelAuth(turn, localReplies.authNotBase64);
  if (!exchange.told && response !== "") {
    const identity = authenticationIdentity(exchange.mechanism, response);
    turn.set({ exchange: { ...exchange, identity, told: true } });
  }
  turn.forward(line, { from: "target", command: authCommand(turn) });
}

/** The target still waits for a response that can't be passed on: cancel there (RFC 4954 section 4), say why here. */
function cancelAuth(turn: Turn, answer: Reply): void {
  turn.forward(CANCEL, { from: "target", command: authCommand(turn), instead: answer });
}

function authCommand(turn: Turn) {
  return { verb: "AUTH", mechanism: turn.state.exchange?.mechanism ?? "", initial: null } as const;
}

/** The target's next reply: to the oldest command that it owes one, or unasked. */
function onReply(turn: Turn, reply: Reply): void {
  const [first] = turn.state.expected;
  if (first === undefined || first.from !== "target") return onUnaskedReply(turn, reply);
  turn.set({ expected: turn.state.expected.slice(1) });
  if (reply.code === 421) {
    turn.answerNow(reply);
    return turn.end("target-closed");
  }
  const { command } = first;
  switch (command.verb) {
    case "MAIL":
      if (isPositive(reply)) turn.set({ transaction: newTransaction(command.path.address, command.params) });
      break;
    case "RCPT":
      turn.set({ transaction: withRecipient(turn.state.transaction, command.path.address, command.params, reply) });
      break;
    case "RSET":
      if (isPositive(reply)) turn.resetTransaction();
      break;
  }
  const answer = first.instead === undefined ? reply : first.instead;
  if (answer !== null) turn.answerNow(answer);
  turn.releaseOwnReplies();
  if (command.verb === "AUTH") onAuthReply(turn, reply, first.instead !== undefined);
  if (command.verb === "QUIT") turn.end("quit");
}

/** Servers say 421 before they hang up on an idle session; anything else unasked makes all that follows ambiguous. */
function onUnaskedReply(turn: Turn, reply: Reply): void {
  turn.answerNow(reply.code === 421 ? reply : localReplies.targetUnintelligible);
  turn.end("target-closed");
}

function onAuthReply(turn: Turn, reply: Reply, cancelled: boolean): void {
  if (reply.code === 334 && !cancelled) return;
  const { exchange } = turn.state;
  turn.set({ exchange: null });
  if (isPositive(reply)) turn.set({ loggedIn: true, authenticatedAs: exchange?.identity ?? null });
  else turn.countError();
}

function newTransaction(mailFrom: string, params: readonly string[]): Transaction {
  return { mailFrom, params, recipients: [], rejectedRecipients: [], chunks: "none", sending: "data", stale: false };
}

/** RFC 5321 section 4.1.1.3: each recipient has a reply of its own. */
function withRecipient(
  transaction: Transaction | null,
  address: string,
  params: readonly string[],
  reply: Reply,
): Transaction | null {
  if (transaction === null) return null;
  const recipient = { address, params, reply: replyText(reply) };
  return isPositive(reply)
    ? { ...transaction, recipients: [...transaction.recipients, recipient] }
    : { ...transaction, rejectedRecipients: [...transaction.rejectedRecipients, recipient] };
}

/** RFC 5321 section 4.1.4: an accepted EHLO or HELO also resets. */
function onIntroduced(turn: Turn, event: SessionEvent & { kind: "introduced" }): void {
  const { state } = turn;
  if (!isPositive(event.reply)) {
    turn.answer(event.reply);
    return event.reply.code === 421 ? turn.end("target-closed") : undefined;
  }
  turn.resetTransaction();
  turn.set({
    clientName: event.name,
    clientProtocol: ({ HELO: "SMTP", EHLO: "ESMTP", LHLO: "LMTP" } as const)[event.as],
    extensions: event.extensions,
    targetTls: event.targetTls,
    helloDue: false,
  });
  if (event.as === "HELO") {
    return turn.answer(formatReply(event.reply.code, "", replyLines(event.reply)[0] ?? ""));
  }
  const { settings } = state;
  const authIsSafe = state.clientTls || !settings.requireTlsForAuth;
  turn.answer(filterHelloReply(event.reply, {
    offerStartTls: settings.offersStartTls && !state.clientTls && !state.loggedIn,
    passAuth: !settings.holdsCredentials && !settings.checksLogins && authIsSafe,
    offerAuth: settings.checksLogins && authIsSafe && !state.loggedIn,
    bothLegsTls: state.clientTls && event.targetTls,
    maxMailBytes: settings.maxMailBytes,
    maxRecipients: settings.maxRecipients,
  }));
}

/** RFC 3207 section 4.2: both sides forget what was said in clear text; the target has to forget it too. */
function onClientTls(turn: Turn): void {
  if (turn.state.transaction !== null) turn.resetTarget();
  turn.set({ clientTls: true, clientName: null, extensions: noExtensions, helloDue: true });
}

function onMailEnded(turn: Turn, end: MailEnd): void {
  const { answers, targetOpen, clientOpen, transactionOver } = settleMail(end, answersDueTo(turn.state));
  for (const reply of answers) turn.answer(reply);
  if (!targetOpen) turn.cutTarget();
  const { transaction } = turn.state;
  if (end.kind === "copy-failed" && targetOpen) turn.resetTarget();
  else turn.set({ transaction: transactionOver || transaction === null ? null : { ...transaction, stale: true } });
  if (!clientOpen) turn.end(endReasonOf(end));
}

function answersDueTo({ settings, transaction }: SessionState): AnswersDue {
  const recipients = settings.kind === "lmtp" ? transaction?.recipients.length ?? 0 : 1;
  return answersDue(transaction?.sending ?? "data", Math.max(1, recipients));
}

function endReasonOf(end: MailEnd) {
  if (end.kind === "client-lost") return end.how === "timeout" ? "client-timeout" : "client-closed";
  return end.kind === "early-talk" || end.kind === "endless" ? "client-protocol" : "target-closed";
}

function onChunkAnswered(turn: Turn, reply: Reply): void {
  const { transaction } = turn.state;
  turn.answer(reply);
  if (reply.code === 421) return turn.end("target-closed");
  if (transaction === null) return;
  turn.set({ transaction: { ...transaction, chunks: isPositive(reply) ? "flowing" : "failed" } });
  if (!isPositive(reply)) turn.abortCopy();
}

function onChunkSkipped(turn: Turn, answer: Reply): void {
  for (let more = answersDueTo(turn.state).after; more > 1; more--) turn.answer(answer);
  turn.refuse(answer);
}

function onTargetLost(turn: Turn, loss: TargetLoss): void {
  if (!turn.state.refused) turn.answerNow(lossOfSession[loss]);
  turn.end(turn.state.refused ? "target-refused" : "target-closed");
}
