/** The target's leg from the first byte to its greeting, and to TLS where the config wants STLS. */

import { decodeLatin1, encodeUtf8 } from "../base/bytes.ts";
import { errorText, MailteeError } from "../base/errors.ts";
import { readLine } from "../net/line_reader.ts";
import type { Connection } from "../net/types.ts";
import type { SessionEnd } from "./counters.ts";
import { localReplies } from "./local_replies.ts";
import type { Pop3Settings } from "./options.ts";
import { MAX_REPLY_LINE_BYTES, type Status, statusOf, withCrLf } from "./reply.ts";

/** What came of greeting a target. */
export type Greeting =
  /** The session can begin. `reply` is the greeting, with an APOP timestamp where there is one. */
  | { readonly kind: "welcome"; readonly reply: Uint8Array; readonly connection: Connection }
  /** The target itself refuses. */
  | { readonly kind: "refused"; readonly reply: Uint8Array }
  /** The proxy was told to stop meanwhile. */
  | { readonly kind: "stopped"; readonly reply: Uint8Array }
  /** The session can't begin; `problem` and `hint` are for the log. */
  | {
    readonly kind: "failed";
    readonly reply: Uint8Array;
    readonly end: SessionEnd;
    readonly problem: string;
    readonly hint: string | undefined;
  };

const STLS = encodeUtf8("STLS\r\n");

interface Reply {
  readonly status: Status;
  readonly line: Uint8Array;
}

/**
 * Reads the target's greeting and upgrades the connection where the config says so, before anything of the client's
 * is passed on. Never goes on in clear text where TLS is wanted. Rejects with MailteeError where the target is lost,
 * can't be trusted, or isn't a POP3 server.
 */
export async function greetTarget(connection: Connection, settings: Pop3Settings): Promise<Greeting> {
  const greeting = await readReply(connection, settings.timeouts.greetingMs);
  const reply = withCrLf(greeting.line);
  if (greeting.status === "err") return { kind: "refused", reply };
  if (greeting.status !== "ok") throw new MailteeError("protocol", "its greeting isn't one of POP3");
  if (settings.target.tls === "starttls") await startTls(connection, settings);
  connection.setDeadline(null);
  return { kind: "welcome", reply, connection };
}

/** What a client hears where the target can't be had. Throws what isn't an expected failure. */
export function failureOf(error: unknown): Greeting {
  if (!(error instanceof MailteeError)) throw error;
  const facts = { kind: "failed", problem: errorText(error), hint: error.hint } as const;
  switch (error.code) {
    case "tls":
      return { ...facts, reply: localReplies.targetTls, end: "target-tls" };
    case "protocol":
      return { ...facts, reply: localReplies.targetUnintelligible, end: "target-protocol" };
    default:
      return { ...facts, reply: localReplies.targetUnreachable, end: "target-unreachable" };
  }
}

/** RFC 2595 section 4. No CAPA before: a server that has no STLS says so. */
async function startTls(connection: Connection, { target, timeouts }: Pop3Settings): Promise<void> {
  if (connection.buffered.length > 0) throw new MailteeError("tls", "it sent more than its greeting before STLS");
  connection.setDeadline(timeouts.replyMs);
  await connection.write(STLS);
  const reply = await readReply(connection, timeouts.replyMs);
  if (reply.status !== "ok") {
    throw new MailteeError("tls", `it doesn't offer STLS, or refuses it: ${decodeLatin1(reply.line)}`);
  }
  connection.setDeadline(target.connectTimeoutMs);
  const discarded = await connection.startClientTls({ serverName: target.host, trust: target.trust });
  if (discarded > 0) throw new MailteeError("tls", `it sent ${discarded} bytes in clear text after its answer to STLS`);
}

async function readReply(connection: Connection, ms: number): Promise<Reply> {
  connection.setDeadline(ms);
  const read = await readLine(connection, { maxBytes: MAX_REPLY_LINE_BYTES, bareNewline: "accept-lf" });
  switch (read.kind) {
    case "line":
      return { status: statusOf(read.line), line: read.line };
    case "end":
      throw new MailteeError("connection-lost", "it closed the connection before it had answered");
    default:
      throw new MailteeError("protocol", "its answer can't be understood");
  }
}
