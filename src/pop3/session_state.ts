/** The words of the POP3 session reducer: its state, what happens to it, what it wants done. */

import { type Command, type ParsedCommand, ruleOf } from "./command.ts";
import type { Status } from "./reply.ts";

/** What stays the same for a session. */
export interface SessionSettings {
  /** The listener upgrades by STLS. */
  readonly offersStls: boolean;
  readonly requireTlsForAuth: boolean;
  /** Bad lines before the session is ended. */
  readonly maxErrors: number;
  /** A TOP for at least so many lines is taken as a retrieval. */
  readonly wholeMailTopLines: number;
}

/** A reply that the client or the proxy still waits for, in the order of the wire. */
export type Owed =
  | { readonly for: "command"; readonly command: Command }
  /** The proxy's own UIDL, of all messages or of one. */
  | { readonly for: "uidl"; readonly number: number | null }
  /**
   * NOOP after the `+OK` of an unknown command: what comes before its own reply is the rest of that command's.
   * `status` is the line that the client gets where nothing comes.
   */
  | { readonly for: "probe"; readonly status: Uint8Array; readonly linesSeen: boolean }
  /** "*" after a challenge of an unknown command. */
  | { readonly for: "cancellation" }
  /** The proxy's own reply, waiting for those before it. */
  | { readonly for: "own-reply"; readonly reply: Uint8Array; readonly ends: EndReason | null };

/** A command that is read but not passed on yet, and why. */
export interface Held {
  readonly parsed: ParsedCommand;
  readonly until: "answered" | "uidl" | "capture";
}

/** A login by AUTH that is under way. */
export interface Exchange {
  readonly mechanism: string;
  readonly identity: string | null;
  /** The first non-empty response, which tells the identity, has been seen. */
  readonly told: boolean;
  /** The client's next line is a response. */
  readonly responseDue: boolean;
}

/** What the lines of a multi-line reply are, and so what becomes of them. */
export type Block =
  /** Passed on as they come. */
  | { readonly what: "pass" }
  /** Passed on, and taken note of. */
  | { readonly what: "uidl" }
  /** The proxy's own: taken note of only. */
  | { readonly what: "own-uidl" }
  /** Collected, filtered, then passed on. `status` is the line before. */
  | { readonly what: "capabilities" | "mechanisms"; readonly status: Uint8Array }
  /** Captured and passed on. `lines`: how many of the body a TOP asked for; null for RETR. */
  | { readonly what: "mail"; readonly status: Uint8Array; readonly lines: number | null }
  | { readonly what: "discard" };

export type EndReason =
  | "quit"
  | "client-closed"
  | "client-timeout"
  | "client-protocol"
  | "client-tls"
  | "target-refused"
  | "target-closed"
  | "target-timeout"
  | "target-protocol"
  | "copy-failed"
  | "shutdown";

export interface SessionState {
  readonly settings: SessionSettings;
  readonly phase: "authorization" | "transaction";
  readonly clientTls: boolean;
  /** The target offers PIPELINING (RFC 2449 section 6.6). */
  readonly pipelining: boolean;
  /** From USER, since the connection was secured. */
  readonly nameGiven: string | null;
  /** Who is logged in. */
  readonly user: string | null;
  readonly exchange: Exchange | null;
  readonly owed: readonly Owed[];
  readonly held: Held | null;
  readonly block: Block | null;
  /** Lines that were refused. */
  readonly errors: number;
  /** Commands that the target said yes to. */
  readonly answered: { readonly retrieved: number; readonly tops: number; readonly deleted: number };
  /** The client has sent the end of its stream; it may still read. */
  readonly clientDone: boolean;
  readonly ended: boolean;
}

/** What the reducer has to know of the UIDs seen so far. */
export interface UidQuestions {
  /** What has to be asked before the UID of a message is known; null for nothing. */
  questionFor(number: number): "all" | "one" | null;
}

export type SessionEvent =
  | { readonly kind: "command"; readonly parsed: ParsedCommand }
  | { readonly kind: "bad-line"; readonly problem: "too-long" | "bad-line-end" }
  /** A line of the client's in an AUTH exchange. */
  | { readonly kind: "response"; readonly line: Uint8Array }
  /** A line of the target's outside of blocks, without its line end, in memory of its own. */
  | { readonly kind: "status"; readonly status: Status; readonly line: Uint8Array }
  | { readonly kind: "capture-begun" }
  | { readonly kind: "capture-refused" }
  /** The block of `read-block` is over; `lines` are those collected. */
  | { readonly kind: "block-ended"; readonly lines: readonly string[] }
  | { readonly kind: "client-tls-started" }
  | { readonly kind: "client-done" }
  /** "copy-failed": it was cut off in the middle of a mail that has no copy. */
  | { readonly kind: "client-lost"; readonly how: "closed" | "timeout" | "tls" | "copy-failed" }
  /** `midReply`: the client has seen a part of a reply, but not its end. */
  | { readonly kind: "target-lost"; readonly how: "closed" | "timeout" | "protocol"; readonly midReply: boolean }
  /** Not in the middle of a block. */
  | { readonly kind: "shutdown" };

/**
 * What the driver has to do, in order. Effects marked "answers with" are the last ones of a step: nothing else may be
 * told to the reducer before the event that they name.
 */
export type Effect =
  /** Send a line and CRLF to the target. */
  | { readonly do: "forward"; readonly line: Uint8Array }
  | { readonly do: "answer"; readonly reply: Uint8Array }
  /** Answers with "capture-begun" or "capture-refused". */
  | { readonly do: "begin-capture"; readonly number: number }
  /** The oldest capture has no mail. */
  | { readonly do: "drop-capture" }
  /** Answers with "block-ended", or one of the losses. */
  | { readonly do: "read-block"; readonly block: Block }
  /** The line of a single UIDL. */
  | { readonly do: "note-uid"; readonly line: Uint8Array }
  /** The target doesn't tell the UID of a message, or of any. */
  | { readonly do: "note-no-uid"; readonly number: number | null }
  /** Answers with "client-tls-started" or "client-lost". */
  | { readonly do: "start-client-tls" }
  /** `cut`: in the middle of a reply, so nothing more may be said. */
  | { readonly do: "end"; readonly reason: EndReason; readonly cut: boolean };

export interface Step {
  readonly state: SessionState;
  /** What there is to do, in order. One that takes time, "read-block" or "start-client-tls", comes last. */
  readonly effects: readonly Effect[];
}

/** Replies that may be owed at once before the client has to wait; bounds memory. */
const MAX_OWED = 64;

/** A session at the moment when the target's greeting has been passed on. */
export function initialState(settings: SessionSettings, clientTls: boolean): SessionState {
  return {
    settings,
    phase: "authorization",
    clientTls,
    pipelining: false,
    nameGiven: null,
    user: null,
    exchange: null,
    owed: [],
    held: null,
    block: null,
    errors: 0,
    answered: { retrieved: 0, tops: 0, deleted: 0 },
    clientDone: false,
    ended: false,
  };
}

/** What the client's next line is; null where it has to wait. */
export function nextLine(state: SessionState): "command" | "response" | null {
  if (state.ended || state.clientDone || state.held !== null) return null;
  if (state.exchange?.responseDue) return "response";
  if (state.owed.length >= (state.pipelining ? MAX_OWED : 1)) return null;
  const last = state.owed.at(-1);
  if (last === undefined) return "command";
  if (last.for === "own-reply") return last.ends === null ? "command" : null;
  return last.for === "command" && ruleOf(last.command)?.holdsNext === false ? "command" : null;
}

/** True where the target owes a line. */
export function awaitsTarget(state: SessionState): boolean {
  return state.owed.length > 0 && !state.exchange?.responseDue;
}

/** True where the session could be ended without cutting anything short. */
export function isIdle(state: SessionState): boolean {
  return state.owed.length === 0 && state.held === null;
}
