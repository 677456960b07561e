/** The words of the session reducer: what it knows, what it is told, what it asks for. */

import type { ReportRecipient } from "../drop/types.ts";
import type { SaslExchange } from "../sasl/server.ts";
import type { SaslCredentials } from "../sasl/types.ts";
import type { ClientEnds } from "./announcement.ts";
import type { Command } from "./command.ts";
import { commandRules } from "./command_table.ts";
import { type Extensions, noExtensions } from "./extensions.ts";
import type { LoginOutcome } from "./login_gate.ts";
import type { MailEnd, TargetLoss } from "./mail_end.ts";
import type { Reply } from "./reply.ts";

/** What doesn't change during a session. */
export interface SessionSettings {
  readonly kind: "smtp" | "lmtp";
  readonly offersStartTls: boolean;
  /** The proxy owes the target STARTTLS or AUTH, so nothing of a mail may pass before that is done. */
  readonly mustIntroduce: boolean;
  /** The proxy logs in itself, clients can't. */
  readonly holdsCredentials: boolean;
  /** The proxy checks the clients' logins itself, and nothing of a mail passes before one. */
  readonly checksLogins: boolean;
  readonly requireTlsForAuth: boolean;
  /** The client, where the target hears of it before each mail (XFORWARD); else null. */
  readonly xforward: ClientEnds | null;
  readonly maxRecipients: number;
  readonly maxMailBytes: number | null;
  readonly maxErrors: number;
}

/** A mail in the making, as far as the target accepted it. */
export interface Transaction {
  readonly mailFrom: string;
  readonly params: readonly string[];
  readonly recipients: readonly ReportRecipient[];
  readonly rejectedRecipients: readonly ReportRecipient[];
  /** "failed": a chunk was refused, so the target's state is undefined until RSET (RFC 3030 section 2). */
  readonly chunks: "none" | "flowing" | "failed";
  /** By what the client sends the mail, as of its last DATA or BDAT. */
  readonly sending: "data" | "chunk" | "last-chunk";
  /** The target refused DATA, so it may have dropped the rest as well: another MAIL is for it to judge. */
  readonly stale: boolean;
}

/** A reply that the client waits for. */
export type Expected =
  | {
    readonly from: "target";
    readonly command: Command | { readonly verb: "XFORWARD" };
    /** What the client hears in place of the target's reply; null for nothing at all. */
    readonly instead?: Reply | null;
  }
  | { readonly from: "proxy"; readonly reply: Reply; readonly ends: EndReason | null };

/** An AUTH exchange of the client's that passes through. */
export interface AuthExchange {
  readonly mechanism: string;
  /** Who is logging in, as soon as the client has told. */
  readonly identity: string | null;
  /** The first non-empty response has passed: what comes after it is secret, and isn't looked at. */
  readonly told: boolean;
}

export interface SessionState {
  readonly settings: SessionSettings;
  readonly clientTls: boolean;
  readonly targetTls: boolean;
  /** The name given in EHLO, HELO or LHLO, as last accepted by the target. */
  readonly clientName: string | null;
  readonly clientProtocol: "SMTP" | "ESMTP" | "LMTP";
  /** What the target offered in its last EHLO reply. */
  readonly extensions: Extensions;
  /** EHLO or HELO has to come before anything else. */
  readonly helloDue: boolean;
  /** Replies owed to the client, in order. A reply of the proxy's own only ever waits behind one of the target's. */
  readonly expected: readonly Expected[];
  /** A command was taken after which nothing more may be taken until all replies have come. */
  readonly groupEnded: boolean;
  readonly transaction: Transaction | null;
  readonly exchange: AuthExchange | null;
  /** An AUTH exchange that the proxy itself answers. */
  readonly ownExchange: SaslExchange | null;
  readonly failedLogins: number;
  /** The client has logged in, at the target or where the proxy checks logins. */
  readonly loggedIn: boolean;
  /** Who logged in; null where nobody did, or the mechanism doesn't tell. */
  readonly authenticatedAs: string | null;
  readonly errors: number;
  /** The target greeted with a refusal: that it hangs up is no news. */
  readonly refused: boolean;
  /** The target's connection was cut with a mail; the session goes on only to say so. */
  readonly targetGone: boolean;
  readonly ended: boolean;
}

export type EndReason =
  | "quit"
  | "client-closed"
  | "client-timeout"
  | "client-protocol"
  | "client-tls"
  | "target-unreachable"
  | "target-closed"
  | "target-refused"
  | "target-tls"
  | "target-login"
  | "target-announcement"
  | "shutdown"
  | "internal-error";

/** "bare-lf" only where such lines aren't taken. */
export type LineProblem = "too-long" | "bare-cr" | "bare-lf";

export type SessionEvent =
  | { readonly kind: "greeting"; readonly reply: Reply }
  | {
    readonly kind: "command";
    readonly command: Command;
    /** The line without its end. */
    readonly line: Uint8Array;
    /** The client has sent more already. */
    readonly talkedOn: boolean;
  }
  | { readonly kind: "bad-line"; readonly problem: LineProblem }
  /** A line of the client's while an exchange is under way, without its end. */
  | { readonly kind: "auth-response"; readonly line: Uint8Array }
  | { readonly kind: "reply"; readonly reply: Reply }
  | {
    readonly kind: "introduced";
    readonly as: "EHLO" | "HELO" | "LHLO";
    readonly name: string;
    readonly reply: Reply;
    readonly extensions: Extensions;
    readonly targetTls: boolean;
  }
  | { readonly kind: "introduction-failed"; readonly answer: Reply; readonly reason: EndReason }
  | { readonly kind: "client-tls-started" }
  | { readonly kind: "login-checked"; readonly outcome: LoginOutcome; readonly username: string }
  | { readonly kind: "mail-ended"; readonly end: MailEnd }
  /** A chunk that wasn't the last was sent and the target answered it. */
  | { readonly kind: "chunk-answered"; readonly reply: Reply }
  | { readonly kind: "chunk-skipped"; readonly answer: Reply }
  | { readonly kind: "client-lost"; readonly how: "closed" | "timeout" | "tls" }
  | { readonly kind: "target-lost"; readonly loss: TargetLoss }
  | { readonly kind: "shutdown" };

export type Effect =
  /** Send a line and CRLF to the target. */
  | { readonly do: "forward"; readonly line: Uint8Array }
  | { readonly do: "answer"; readonly reply: Reply }
  /** Answers with "introduced", "introduction-failed" or "target-lost". */
  | { readonly do: "introduce"; readonly as: "EHLO" | "HELO" | "LHLO"; readonly name: string }
  /** Answers with "client-tls-started" or "client-lost". */
  | { readonly do: "start-client-tls" }
  /** Answers with "login-checked"; where the target is to hear of it, also with what "introduce" does. */
  | { readonly do: "check-login"; readonly credentials: SaslCredentials }
  /** Answers with "mail-ended". */
  | { readonly do: "transfer-mail"; readonly transaction: Transaction }
  /** Answers with "chunk-answered" or "mail-ended". */
  | { readonly do: "transfer-chunk"; readonly transaction: Transaction; readonly size: number; readonly last: boolean }
  /** Read the octets of a chunk that is refused. Answers with "chunk-skipped" or "client-lost". */
  | { readonly do: "skip-chunk"; readonly size: number; readonly answer: Reply }
  /** Leave nothing of the chunks that were copied so far. */
  | { readonly do: "abort-copy" }
  | { readonly do: "cut-target" }
  | { readonly do: "end"; readonly reason: EndReason };

/** Effects that take time, and answer with an event. */
export type Job = Extract<
  Effect,
  { do: "introduce" | "start-client-tls" | "check-login" | "transfer-mail" | "transfer-chunk" | "skip-chunk" }
>;

export interface Step {
  readonly state: SessionState;
  /** What the driver has to do, in order. A job comes last: only its event may be told to the reducer next. */
  readonly effects: readonly Effect[];
}

/** Replies that may be owed at once before the client has to wait; bounds memory. */
const MAX_EXPECTED = 256;

/** A session at the moment when the client has connected. */
export function initialState(settings: SessionSettings, tls: { readonly client: boolean; readonly target: boolean }) {
  const state: SessionState = {
    settings,
    clientTls: tls.client,
    targetTls: tls.target,
    clientName: null,
    clientProtocol: "SMTP",
    extensions: noExtensions,
    helloDue: settings.mustIntroduce,
    expected: [],
    groupEnded: false,
    transaction: null,
    exchange: null,
    ownExchange: null,
    failedLogins: 0,
    loggedIn: false,
    authenticatedAs: null,
    errors: 0,
    refused: false,
    targetGone: false,
    ended: false,
  };
  return state;
}

/** False while the client's next line has to wait for replies. */
export function takesInput(state: SessionState): boolean {
  const owed = state.expected.length;
  if (state.ended) return false;
  const last = state.expected[owed - 1];
  if (last === undefined) return true;
  if (last.from === "proxy" && last.ends !== null) return false;
  // Whether it is one more response, or a command again, is for the target to say.
  if (state.exchange !== null) return false;
  return !state.groupEnded && owed < MAX_EXPECTED && state.extensions.has("PIPELINING");
}

/** False where this command has to wait for the replies to those before it. */
export function takesCommand(state: SessionState, command: Command): boolean {
  if (state.expected.length === 0) return true;
  if (command.verb === "UNKNOWN") return true;
  return !commandRules[command.verb === "INVALID" ? command.of : command.verb].waitsForReplies;
}

/** True where the session could be ended without cutting anything short. */
export function isIdle(state: SessionState): boolean {
  return state.expected.length === 0 && state.transaction === null && state.exchange === null;
}
