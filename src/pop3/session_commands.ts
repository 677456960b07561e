/** What becomes of a client's command: passed on, held back until something else is known, or answered here. */

import { authenticationIdentity } from "../sasl/identity.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import { type Command, type ParsedCommand, ruleOf } from "./command.ts";
import { localReplies } from "./local_replies.ts";
import { errorReply } from "./reply.ts";
import type { UidQuestions } from "./session_state.ts";
import type { Turn } from "./session_turn.ts";

/** Each pipelined retrieval has a capture begun before it is passed on; so many at once. */
const MAX_RETRIEVALS = 16;

const UIDL = encodeUtf8("UIDL");

/** A command that came just now, or was held until now. */
export function onCommand(turn: Turn, parsed: ParsedCommand, uids: UidQuestions): void {
  const { command } = parsed;
  if (command.verb === "INVALID") return turn.refuse(errorReply(command.problem));
  const rule = ruleOf(command);
  if (rule?.waitsForReplies && turn.state.owed.length > 0) return turn.set({ held: { parsed, until: "answered" } });
  if (rule?.login && turn.state.settings.requireTlsForAuth && !turn.state.clientTls) {
    return turn.refuse(localReplies.tlsNeeded);
  }
  if (isRetrieval(command, turn.state.settings.wholeMailTopLines)) return onRetrieval(turn, parsed, uids);
  switch (command.verb) {
    case "STLS":
      return onStls(turn);
    case "USER":
      turn.set({ nameGiven: command.name });
      return pass(turn, parsed);
    case "PASS":
      // A name that was given before STLS was given by whoever was on the wire then (RFC 2595 section 4).
      return turn.state.nameGiven === null ? turn.refuse(localReplies.userNeeded) : pass(turn, parsed);
    case "AUTH":
      if (command.mechanism !== null) startExchange(turn, command.mechanism, command.initial);
      return pass(turn, parsed);
    default:
      return pass(turn, parsed);
  }
}

/** The capture of the command that waits for it has begun, or couldn't be. */
export function onCapture(turn: Turn, begun: boolean): void {
  const { held } = turn.state;
  if (held === null) return;
  turn.set({ held: null });
  if (begun) pass(turn, held.parsed);
  else turn.answer(localReplies.copyFailed);
}

/** Has the capture begun that the held retrieval waits for. */
export function beginCapture(turn: Turn, parsed: ParsedCommand): void {
  const { command } = parsed;
  if (command.verb !== "RETR" && command.verb !== "TOP") return;
  turn.set({ held: { parsed, until: "capture" } });
  turn.do({ do: "begin-capture", number: command.number });
}

/** How many lines of the body a retrieval asked for; null for all. */
export function linesAskedFor(command: Command): number | null {
  return command.verb === "TOP" ? command.lines : null;
}

/**
 * True for the commands whose answer is captured. That is RETR, and a TOP for so many lines that it can only be meant
 * to fetch the mail: fetchmail does so with 99999999, to leave it unread.
 */
export function isRetrieval(command: Command, wholeMailTopLines: number): boolean {
  return command.verb === "RETR" || (command.verb === "TOP" && command.lines >= wholeMailTopLines);
}

/** The report holds the UID, and the copy must be possible, before the target hears of the command. */
function onRetrieval(turn: Turn, parsed: ParsedCommand & { command: Command }, uids: UidQuestions): void {
  const { command } = parsed;
  if (command.verb !== "RETR" && command.verb !== "TOP") return;
  if (retrievalsOwed(turn) >= MAX_RETRIEVALS) return turn.set({ held: { parsed, until: "answered" } });
  const question = turn.state.phase === "transaction" ? uids.questionFor(command.number) : null;
  if (question === null) return beginCapture(turn, parsed);
  turn.set({ held: { parsed, until: "uidl" } });
  const number = question === "all" ? null : command.number;
  turn.forward(number === null ? UIDL : encodeUtf8(`UIDL ${number}`), { for: "uidl", number });
}

function retrievalsOwed(turn: Turn): number {
  const { owed, settings } = turn.state;
  return owed.filter((each) => each.for === "command" && isRetrieval(each.command, settings.wholeMailTopLines)).length;
}

function onStls(turn: Turn): void {
  const { settings, clientTls, phase } = turn.state;
  if (clientTls) return turn.refuse(localReplies.tlsActive);
  if (!settings.offersStls) return turn.refuse(localReplies.tlsNotOffered);
  if (phase !== "authorization") return turn.refuse(localReplies.tlsTooLate);
  turn.answerNow(localReplies.beginTls);
  turn.do({ do: "start-client-tls" });
}

function startExchange(turn: Turn, mechanism: string, initial: string | null): void {
  const told = initial !== null && initial !== "=";
  turn.set({
    exchange: {
      mechanism,
      identity: told ? authenticationIdentity(mechanism, initial) : null,
      told,
      responseDue: false,
    },
  });
}

function pass(turn: Turn, { command, line }: ParsedCommand): void {
  turn.forward(line, { for: "command", command });
}
