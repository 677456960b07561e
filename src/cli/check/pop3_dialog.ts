import { targetOptions } from "../../app/proxies.ts";
import { decodeLatin1, encodeUtf8 } from "../../base/bytes.ts";
import { MailteeError } from "../../base/errors.ts";
import type { Pop3ProxyConfig } from "../../config/types.ts";
import { readLine } from "../../net/line_reader.ts";
import type { Connection } from "../../net/types.ts";
import { resolvePop3Options } from "../../pop3/options.ts";
import { MAX_REPLY_LINE_BYTES, statusOf } from "../../pop3/reply.ts";
import { greetTarget } from "../../pop3/upstream.ts";
import type { TargetAnswers } from "./target_answers.ts";

const ANSWER_MS = 30_000;
/** Beyond any list of capabilities. */
const MAX_CAPABILITIES = 200;

/**
 * Hears a POP3 target's greeting, with STLS as the proxy does it, and its capabilities. Rejects with MailteeError where
 * the connection is lost, can't be trusted or isn't POP3.
 */
export async function askPop3Target(proxy: Pop3ProxyConfig, connection: Connection): Promise<TargetAnswers> {
  const settings = resolvePop3Options({
    name: proxy.name,
    listen: [],
    target: targetOptions(proxy.target),
    allowFrom: [],
    timeouts: { greetingMs: ANSWER_MS, replyMs: ANSWER_MS },
  });
  const { kind, reply } = await greetTarget(connection, settings);
  const greeting = decodeLatin1(reply).trimEnd();
  if (kind !== "welcome") {
    return { greeting, capabilities: [], login: null, problem: `it refuses service: ${greeting}` };
  }
  const capabilities = await capabilitiesOf(connection);
  await connection.write(encodeUtf8("QUIT\r\n"));
  return { greeting, capabilities, login: null, problem: null };
}

/** The lines of CAPA (RFC 2449 section 5); none where the server doesn't know it. */
async function capabilitiesOf(connection: Connection): Promise<readonly string[]> {
  connection.setDeadline(ANSWER_MS);
  await connection.write(encodeUtf8("CAPA\r\n"));
  if (statusOf(encodeUtf8(await nextLine(connection))) !== "ok") return [];
  const capabilities: string[] = [];
  for (let line = await nextLine(connection); line !== "."; line = await nextLine(connection)) {
    capabilities.push(line);
    if (capabilities.length > MAX_CAPABILITIES) {
      throw new MailteeError("protocol", "its list of capabilities has no end");
    }
  }
  return capabilities;
}

async function nextLine(connection: Connection): Promise<string> {
  const read = await readLine(connection, { maxBytes: MAX_REPLY_LINE_BYTES, bareNewline: "accept-lf" });
  if (read.kind === "line") return decodeLatin1(read.line);
  throw new MailteeError("protocol", "its list of capabilities can't be understood");
}
