/** What the session does with each command of the client. */

import { encodeUtf8 } from "../base/bytes.ts";
import { authenticationIdentity } from "../sasl/identity.ts";
import { xforwardCommand } from "./announcement.ts";
import type { Command } from "./command.ts";
import { commandRules, type Verb } from "./command_table.ts";
import { canRelayMechanism, mailParameters, rcptParameters } from "./extensions.ts";
import { localReplies } from "./local_replies.ts";
import { beginOwnLogin, refusalOfOwnAuth } from "./own_login.ts";
import { parameterKeyword, parameterValue } from "./path.ts";
import type { Reply } from "./reply.ts";
import type { SessionState, Transaction } from "./session_state.ts";
import type { Turn } from "./session_turn.ts";

/** Answers a command, passes it on, or asks for what it needs. */
export function onCommand(turn: Turn, command: Command, line: Uint8Array, talkedOn: boolean): void {
  if (turn.state.targetGone) return onCommandWithoutTarget(turn, command);
  if (command.verb === "UNKNOWN") return turn.refuse(localReplies.unknownCommand);
  if (command.verb === "INVALID") return onInvalid(turn, command.of);
  if (talkedOn && (command.verb === "DATA" || command.verb === "STARTTLS")) {
    return turn.answer(localReplies.synchronization, "client-protocol");
  }
  const refusal = refusalOf(turn.state, command);
  if (command.verb === "DATA") noteSending(turn, "data");
  if (command.verb === "BDAT") noteSending(turn, command.last ? "last-chunk" : "chunk");
  if (command.verb === "BDAT" && refusal !== null) {
    return turn.do({ do: "skip-chunk", size: command.size, answer: refusal });
  }
  if (refusal !== null) return turn.refuse(refusal);
  if (commandRules[command.verb].endsGroup) turn.set({ groupEnded: true });
  carryOut(turn, command, line);
  if (turn.state.expected.length === 0) turn.set({ groupEnded: false });
}

function noteSending(turn: Turn, sending: Transaction["sending"]): void {
  const { transaction } = turn.state;
  if (transaction !== null) turn.set({ transaction: { ...transaction, sending } });
}

/** The mail server's connection was cut with the last mail: say so, in the way that makes clients connect again. */
function onCommandWithoutTarget(turn: Turn, command: Command): void {
  const quit = command.verb === "QUIT";
  turn.answer(quit ? localReplies.goodbye : localReplies.newConnection, quit ? "quit" : "target-closed");
}

function onInvalid(turn: Turn, verb: Verb): void {
  // How many octets follow can't be known, so nothing after them can be understood.
  if (verb === "BDAT") return turn.answer(localReplies.badSyntax, "client-protocol");
  turn.refuse(
    verb === "MAIL" ? localReplies.badSender : verb === "RCPT" ? localReplies.badRecipient : localReplies.badSyntax,
  );
}

type KnownCommand = Exclude<Command, { verb: "UNKNOWN" | "INVALID" }>;

/** The proxy's own reason to refuse a command; null where the target decides. */
function refusalOf(state: SessionState, command: KnownCommand): Reply | null {
  const { settings } = state;
  const transaction = transactionAfterReplies(state);
  const rule = commandRules[command.verb];
  if (state.helloDue && !rule.beforeIntroduction) return localReplies.helloFirst;
  if (settings.checksLogins && !state.loggedIn && rule.needsLogin) return localReplies.loginFirst;
  if (transaction?.chunks === "flowing" && !rule.betweenChunks) return localReplies.notBetweenChunks;
  switch (command.verb) {
    case "EHLO":
    case "HELO":
      return settings.kind === "lmtp" ? localReplies.wrongHello : null;
    case "LHLO":
      return settings.kind === "smtp" ? localReplies.lhloOnSmtp : null;
    case "MAIL":
      return refusalOfMail(state, command.params);
    case "RCPT":
      return refusalOfRecipient(state, command.params);
    case "DATA":
      if (transaction !== null && isBinary(transaction)) return localReplies.needsChunking;
      return refusalOfContent(transaction);
    case "BDAT":
      return state.extensions.has("CHUNKING") ? refusalOfContent(transaction) : localReplies.noChunking;
    case "STARTTLS":
      if (!settings.offersStartTls) return localReplies.noStartTls;
      if (state.clientTls) return localReplies.alreadyTls;
      // A login in clear text would outlive the handshake at the target (RFC 3207 section 4.2).
      return state.loggedIn ? localReplies.noTlsAfterAuth : null;
    case "AUTH":
      return refusalOfAuth(state, command.mechanism);
    default:
      return null;
  }
}

/** The transaction that a pipelined command meets: none, where a RSET before it is still to be answered. */
function transactionAfterReplies({ expected, transaction }: SessionState): Transaction | null {
  return expected.some((each) => each.from === "target" && each.command.verb === "RSET") ? null : transaction;
}

function refusalOfMail(state: SessionState, params: readonly string[]): Reply | null {
  const { settings } = state;
  const transaction = transactionAfterReplies(state);
  if (transaction !== null && !transaction.stale && transaction.chunks !== "failed") return localReplies.nestedMail;
  if (!params.every((param) => mailParameters.has(parameterKeyword(param)))) return localReplies.badParameter;
  const requiresTls = params.some((param) => parameterKeyword(param) === "REQUIRETLS");
  if (requiresTls && !(state.clientTls && state.targetTls)) return localReplies.requireTls;
  const size = Number(parameterValue(params, "SIZE") ?? 0);
  return settings.maxMailBytes !== null && size > settings.maxMailBytes ? localReplies.tooBig : null;
}

function refusalOfRecipient(state: SessionState, params: readonly string[]): Reply | null {
  if (!params.every((param) => rcptParameters.has(parameterKeyword(param)))) return localReplies.badParameter;
  const { expected, settings } = state;
  const transaction = transactionAfterReplies(state);
  const known = (transaction?.recipients.length ?? 0) + (transaction?.rejectedRecipients.length ?? 0);
  const asked = expected.filter((each) => each.from === "target" && each.command.verb === "RCPT").length;
  return known + asked >= settings.maxRecipients ? localReplies.tooManyRecipients : null;
}

/** DATA and BDAT need an envelope (RFC 5321 section 3.3). */
function refusalOfContent(transaction: Transaction | null): Reply | null {
  if (transaction === null) return localReplies.mailFirst;
  if (transaction.chunks === "failed") return localReplies.chunkFailed;
  if (transaction.recipients.length > 0) return null;
  return transaction.rejectedRecipients.length > 0 ? localReplies.noValidRecipients : localReplies.recipientFirst;
}

/** RFC 3030 section 3: a mail that may hold any octets can't be sent with DATA. */
function isBinary(transaction: Transaction): boolean {
  return transaction.params.some((param) => param.toUpperCase() === "BODY=BINARYMIME");
}

function refusalOfAuth(state: SessionState, mechanism: string): Reply | null {
  if (state.settings.checksLogins) return refusalOfOwnAuth(state, mechanism);
  if (state.settings.holdsCredentials) return localReplies.noAuth;
  if (state.settings.requireTlsForAuth && !state.clientTls) return localReplies.authNeedsTls;
  return canRelayMechanism(mechanism) ? null : localReplies.authMechanism;
}

/** Tells the target for whom the next mail is, where it is to know. It keeps that for one mail. */
function announceClient(turn: Turn): void {
  const { settings: { xforward }, extensions, clientName, clientProtocol } = turn.state;
  if (xforward === null) return;
  const facts = { ends: xforward, helo: clientName, protocol: clientProtocol, login: null };
  const command = xforwardCommand(extensions.get("XFORWARD") ?? "", facts);
  if (command === null) return;
  turn.forward(encodeUtf8(command), { from: "target", command: { verb: "XFORWARD" }, instead: null });
}

/** The command is allowed as far as the proxy is concerned. */
function carryOut(turn: Turn, command: KnownCommand, line: Uint8Array): void {
  const { transaction } = turn.state;
  switch (command.verb) {
    case "EHLO":
    case "HELO":
    case "LHLO":
      return turn.do({ do: "introduce", as: command.verb, name: command.name });
    case "STARTTLS":
      turn.answer(localReplies.readyForTls);
      return turn.do({ do: "start-client-tls" });
    case "DATA":
      return transaction === null ? undefined : turn.do({ do: "transfer-mail", transaction });
    case "BDAT":
      if (transaction === null) return;
      return turn.do({ do: "transfer-chunk", transaction, size: command.size, last: command.last });
    case "MAIL":
      announceClient(turn);
      return turn.forward(line, { from: "target", command });
    case "AUTH": {
      const { mechanism, initial } = command;
      if (turn.state.settings.checksLogins) return beginOwnLogin(turn, mechanism, initial);
      const told = initial !== null && initial !== "=";
      const identity = told ? authenticationIdentity(mechanism, initial) : null;
      turn.set({ exchange: { mechanism, identity, told } });
      // The initial response is secret, so it isn't kept with the expected reply.
      return turn.forward(line, { from: "target", command: { verb: "AUTH", mechanism, initial: null } });
    }
    default:
      return turn.forward(line, { from: "target", command });
  }
}
