/** AUTH with credentials that the proxy holds (RFC 4954), the client's role. */

import { encodeUtf8 } from "../base/bytes.ts";
import { errorText, hasCode, MailteeError } from "../base/errors.ts";
import { decodeBase64 } from "../sasl/base64.ts";
import { chooseMechanisms, createSaslClient } from "../sasl/client.ts";
import type { SaslClient } from "../sasl/types.ts";
import { type Leg, readReply, type ReplyWait } from "./leg.ts";
import type { HeldCredentials } from "./options.ts";
import { isPositive, type Reply, replyLines } from "./reply.ts";

/** Null where the target let the proxy in; else what went wrong, in words without secrets. */
export type LoginProblem = string | null;

/** Codes that speak against the mechanism, not against the credentials (RFC 4954 sections 4 and 6, RFC 5248). */
const MECHANISM_REFUSED = new Set([504, 534, 538]);

/**
 * Logs in at the target with the best mechanism that it offers, or the next best where it refuses the mechanism as
 * such. After a refusal of the credentials no other is tried: accounts get locked that way. Rejects with MailteeError
 * "connection-lost" or "timeout" where the target is lost.
 *
 * @param offered the mechanisms of the target's EHLO reply
 */
export async function logIn(
  target: Leg,
  credentials: HeldCredentials,
  offered: readonly string[],
  replyMs: number,
): Promise<LoginProblem> {
  const mechanisms = chooseMechanisms(offered, target.connection.tls !== null);
  if (mechanisms.length === 0) {
    const list = offered.length === 0 ? "none" : offered.join(", ");
    return `the target offers no login mechanism that mailtee has (offered: ${list})`;
  }
  let problem: LoginProblem = null;
  for (const mechanism of mechanisms) {
    try {
      const { username } = credentials;
      const client = createSaslClient(mechanism, { username, password: credentials.password.reveal() });
      const reply = await exchange(target, client, replyMs);
      if (isPositive(reply) && client.complete) return null;
      problem = isPositive(reply)
        ? "the target let the proxy in without proving that it knows the password"
        : `the target refused the login by ${mechanism}: ${reply.code} ${replyLines(reply).join(" ")}`;
      if (!MECHANISM_REFUSED.has(reply.code)) return problem;
    } catch (error) {
      if (!hasCode(error, "protocol", "config")) throw error;
      return errorText(error);
    }
  }
  return problem;
}

/** One exchange up to the reply that ends it. Rejects with MailteeError where the target is lost or breaks the rules. */
async function exchange(target: Leg, client: SaslClient, replyMs: number): Promise<Reply> {
  const initial = client.initial === null ? "" : ` ${client.initial.toBase64() || "="}`;
  target.append(encodeUtf8(`AUTH ${client.mechanism}${initial}\r\n`));
  for (;;) {
    target.allow(replyMs);
    await target.flush();
    const reply = replyOf(await readReply(target, replyMs));
    if (reply.code !== 334) return reply;
    const challenge = decodeBase64(replyLines(reply)[0]?.trim() ?? "");
    if (challenge === null) throw new MailteeError("protocol", "The target's login challenge isn't base64.");
    target.append(encodeUtf8(`${(await client.respond(challenge)).toBase64()}\r\n`));
  }
}

function replyOf(wait: ReplyWait): Reply {
  if (wait.kind === "reply") return wait.reply;
  const code = ({ timeout: "timeout", closed: "connection-lost", malformed: "protocol" } as const)[wait.loss];
  throw new MailteeError(code, "The target broke off the proxy's login, or its answer can't be understood.");
}
