/**
 * The POP3 session in the middle as a pure function: state and event give a new state and effects. It decides what is
 * passed on when, keeps replies in order, and knows which reply belongs to which command; it touches no socket.
 */

import { isResponse } from "../sasl/base64.ts";
import { authenticationIdentity } from "../sasl/identity.ts";
import { decodeLatin1, encodeUtf8 } from "../base/bytes.ts";
import { capabilityName, filterCapabilities, ownCapabilities, passesThrough } from "./capabilities.ts";
import { type Command, expectsBlock, ruleOf } from "./command.ts";
import { localReplies } from "./local_replies.ts";
import { formatBlock, type Status, withCrLf } from "./reply.ts";
import { beginCapture, isRetrieval, linesAskedFor, onCapture, onCommand } from "./session_commands.ts";
import type { Block, Owed, SessionEvent, SessionState, Step, UidQuestions } from "./session_state.ts";
import { Turn } from "./session_turn.ts";

const CANCEL = encodeUtf8("*");
const NOOP = encodeUtf8("NOOP");
const END_OF_BLOCK = ".";
const lossReplies = {
  closed: localReplies.targetLost,
  timeout: localReplies.targetTimeout,
  protocol: localReplies.targetUnintelligible,
} as const;
const clientLossReasons = {
  closed: "client-closed",
  timeout: "client-timeout",
  tls: "client-tls",
  "copy-failed": "copy-failed",
} as const;
const lossReasons = { closed: "target-closed", timeout: "target-timeout", protocol: "target-protocol" } as const;
const OWN_CAPABILITIES = encodeUtf8("+OK Capability list follows");

/** What an event changes, and what there is to do. Lines in effects are those of the event. */
export function step(state: SessionState, event: SessionEvent, uids: UidQuestions): Step {
  const turn = new Turn(state);
  if (!state.ended) {
    react(turn, event, uids);
    goOn(turn, uids);
  }
  return { state: turn.state, effects: turn.effects };
}

function react(turn: Turn, event: SessionEvent, uids: UidQuestions): void {
  switch (event.kind) {
    case "command":
      return onCommand(turn, event.parsed, uids);
    case "bad-line":
      return onBadLine(turn, event.problem);
    case "response":
      // A server might see the end of the line, and then a command, at octets that are none of base64's.
      return onResponse(turn, isResponse(decodeLatin1(event.line)) ? event.line : CANCEL);
    case "status":
      return onStatus(turn, event.status, event.line);
    case "capture-begun":
    case "capture-refused":
      return onCapture(turn, event.kind === "capture-begun");
    case "block-ended":
      return onBlockEnded(turn, event.lines);
    case "client-tls-started":
      return turn.set({ clientTls: true, nameGiven: null });
    case "client-done":
      return turn.set({ clientDone: true });
    case "client-lost":
      return turn.end(clientLossReasons[event.how]);
    case "target-lost":
      return onTargetLost(turn, event.how, event.midReply);
    case "shutdown":
      if (turn.state.owed.length > 0) turn.answerNow(localReplies.shuttingDown);
      return turn.end("shutdown");
  }
}

/** What an answer has made possible: a held command goes on; a client that only waited for its answers has them. */
function goOn(turn: Turn, uids: UidQuestions): void {
  const { held, owed, ended, clientDone, exchange } = turn.state;
  if (ended) return;
  if (held?.until === "answered") {
    turn.set({ held: null });
    onCommand(turn, held.parsed, uids);
  } else if (clientDone && held === null && (owed.length === 0 || exchange?.responseDue)) {
    turn.end("client-closed");
  }
}

function onBadLine(turn: Turn, problem: "too-long" | "bad-line-end"): void {
  if (turn.state.exchange?.responseDue) {
    // The target still waits for a response: cancel there, and its -ERR tells the client (RFC 5034 section 4).
    return onResponse(turn, CANCEL);
  }
  turn.refuse(problem === "too-long" ? localReplies.lineTooLong : localReplies.badLineEnd);
}

function onResponse(turn: Turn, line: Uint8Array): void {
  const { exchange } = turn.state;
  if (exchange === null) return;
  const tells = !exchange.told && line.length > 0;
  turn.set({
    exchange: {
      ...exchange,
      responseDue: false,
      told: exchange.told || tells,
      identity: tells ? authenticationIdentity(exchange.mechanism, decodeLatin1(line)) : exchange.identity,
    },
  });
  turn.do({ do: "forward", line });
}

/** The target's next line: to the oldest command that it owes one, or unasked. */
function onStatus(turn: Turn, status: Status, line: Uint8Array): void {
  const [first] = turn.state.owed;
  switch (first?.for) {
    case "command":
      return status === "other" ? onUnintelligible(turn) : onCommandStatus(turn, first.command, status, line);
    case "uidl":
      return onOwnUidlStatus(turn, first.number, status, line);
    case "probe":
      return onProbeStatus(turn, first, status, line);
    case "cancellation":
      turn.answerNow(localReplies.exchangeUnknown);
      return turn.settleFirst();
    default:
      return onUnasked(turn, status, line);
  }
}

/** Servers say -ERR before they hang up on an idle session; anything else unasked makes all that follows ambiguous. */
function onUnasked(turn: Turn, status: Status, line: Uint8Array): void {
  if (status !== "err") return onUnintelligible(turn);
  turn.answerNow(withCrLf(line));
  turn.end("target-closed");
}

function onUnintelligible(turn: Turn): void {
  turn.answerNow(localReplies.targetUnintelligible);
  turn.end("target-protocol");
}

function onCommandStatus(turn: Turn, command: Command, status: Exclude<Status, "other">, line: Uint8Array): void {
  if (status === "continue") return onChallenge(turn, command, line);
  if (status === "err") return onRefusal(turn, command, line);
  if (command.verb === "UNKNOWN") {
    return turn.forwardInstead(NOOP, { for: "probe", status: line, linesSeen: false });
  }
  count(turn, command);
  if (expectsBlock(command)) return readBlock(turn, blockOf(turn.state, command, line), line);
  if (ruleOf(command)?.login && command.verb !== "USER") logIn(turn);
  if (command.verb === "UIDL") turn.do({ do: "note-uid", line });
  turn.answerNow(withCrLf(line));
  turn.settleFirst();
  if (command.verb === "QUIT") turn.end("quit");
}

function onChallenge(turn: Turn, command: Command, line: Uint8Array): void {
  const { exchange } = turn.state;
  if (command.verb === "UNKNOWN") return turn.forwardInstead(CANCEL, { for: "cancellation" });
  if (command.verb !== "AUTH" || exchange === null) return onUnintelligible(turn);
  turn.set({ exchange: { ...exchange, responseDue: true } });
  turn.answerNow(withCrLf(line));
}

/** A reply of -ERR has one line, whatever the command (RFC 1939 section 3). */
function onRefusal(turn: Turn, command: Command, line: Uint8Array): void {
  const { settings } = turn.state;
  if (isRetrieval(command, settings.wholeMailTopLines)) turn.do({ do: "drop-capture" });
  if (command.verb === "AUTH") turn.set({ exchange: null });
  if (command.verb === "CAPA" && offersStls(turn.state)) {
    turn.answerNow(formatBlock(OWN_CAPABILITIES, ownCapabilities(viewOf(turn.state))));
  } else {
    turn.answerNow(withCrLf(line));
  }
  turn.settleFirst();
  if (command.verb === "QUIT") turn.end("quit");
}

function count(turn: Turn, { verb }: Command): void {
  const { answered } = turn.state;
  if (verb === "RETR") turn.set({ answered: { ...answered, retrieved: answered.retrieved + 1 } });
  if (verb === "TOP") turn.set({ answered: { ...answered, tops: answered.tops + 1 } });
  if (verb === "DELE") turn.set({ answered: { ...answered, deleted: answered.deleted + 1 } });
}

function logIn(turn: Turn): void {
  const { exchange, nameGiven, owed } = turn.state;
  const [first] = owed;
  const command = first?.for === "command" ? first.command : null;
  const user = exchange !== null ? exchange.identity : command?.verb === "APOP" ? command.name : nameGiven;
  turn.set({ phase: "transaction", user, exchange: null, nameGiven: null });
}

function blockOf(state: SessionState, command: Command, line: Uint8Array): Block {
  if (isRetrieval(command, state.settings.wholeMailTopLines)) {
    return { what: "mail", status: line, lines: linesAskedFor(command) };
  }
  switch (command.verb) {
    case "CAPA":
      return { what: "capabilities", status: line };
    case "AUTH":
      return { what: "mechanisms", status: line };
    case "UIDL":
      return { what: "uidl" };
    default:
      return { what: "pass" };
  }
}

/** The status line goes with the block where the block decides whether it goes at all. */
function readBlock(turn: Turn, block: Block, line: Uint8Array): void {
  if (block.what === "pass" || block.what === "uidl") turn.answerNow(withCrLf(line));
  turn.set({ block });
  turn.do({ do: "read-block", block });
}

function onOwnUidlStatus(turn: Turn, number: number | null, status: Status, line: Uint8Array): void {
  const { held } = turn.state;
  if (status !== "ok" && status !== "err") return onUnintelligible(turn);
  if (status === "ok" && number === null) return readBlock(turn, { what: "own-uidl" }, line);
  turn.do(status === "ok" ? { do: "note-uid", line } : { do: "note-no-uid", number });
  turn.settleFirst();
  if (held !== null) beginCapture(turn, held.parsed);
}

/**
 * What comes after the `+OK` of an unknown command. The reply to NOOP: there is nothing more. Anything else: it has
 * lines, and none of them is passed on, since they could be a mail.
 */
function onProbeStatus(turn: Turn, probe: Owed & { for: "probe" }, status: Status, line: Uint8Array): void {
  if (status !== "ok" && status !== "err") {
    if (probe.linesSeen) return onUnintelligible(turn);
    turn.replaceFirst({ ...probe, linesSeen: true });
    if (decodeLatin1(line) !== END_OF_BLOCK) readBlock(turn, { what: "discard" }, line);
    return;
  }
  turn.answerNow(probe.linesSeen ? localReplies.notOneLine : withCrLf(probe.status));
  turn.settleFirst();
}

function onBlockEnded(turn: Turn, lines: readonly string[]): void {
  const { block, held } = turn.state;
  turn.set({ block: null });
  switch (block?.what) {
    case "discard":
      return;
    case "capabilities":
      turn.answerNow(formatBlock(block.status, filterCapabilities(lines, viewOf(turn.state))));
      turn.set({ pipelining: lines.some((line) => capabilityName(line) === "PIPELINING") });
      break;
    case "mechanisms":
      turn.answerNow(formatBlock(block.status, lines.filter(passesThrough)));
      break;
    case "own-uidl":
      if (held !== null) turn.set({ held: { ...held, until: "answered" } });
      break;
  }
  turn.settleFirst();
}

function offersStls({ settings, clientTls, phase }: SessionState): boolean {
  return settings.offersStls && !clientTls && phase === "authorization";
}

function viewOf(state: SessionState) {
  return {
    offersStls: offersStls(state),
    loginsRefused: state.settings.requireTlsForAuth && !state.clientTls,
  };
}

/** The client hears why, unless it is in the middle of a reply or waits for none. */
function onTargetLost(turn: Turn, how: "closed" | "timeout" | "protocol", midReply: boolean): void {
  if (!midReply && turn.state.owed.length > 0) turn.answerNow(lossReplies[how]);
  turn.end(lossReasons[how], midReply);
}
