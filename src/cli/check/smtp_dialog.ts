import { targetOptions } from "../../app/proxies.ts";
import { encodeUtf8 } from "../../base/bytes.ts";
import { MailteeError } from "../../base/errors.ts";
import type { SmtpProxyConfig } from "../../config/types.ts";
import type { Connection } from "../../net/types.ts";
import { Doorbell } from "../../net/doorbell.ts";
import { Leg, readReply } from "../../smtp/leg.ts";
import { type ResolvedSmtpOptions, resolveSmtpOptions } from "../../smtp/options.ts";
import { isPositive, type Reply, replyLines, replyText } from "../../smtp/reply.ts";
import { Introducer, type Introduction } from "../../smtp/upstream.ts";
import type { TargetAnswers } from "./target_answers.ts";

/** Longest wait for one answer: people who check a config don't want to wait as long as a proxy may. */
const ANSWER_MS = 30_000;

const QUIT = encodeUtf8("QUIT\r\n");

/**
 * Introduces itself to an SMTP or LMTP target, with STARTTLS and AUTH as the proxy does. Rejects with MailteeError where
 * the connection is lost or isn't SMTP.
 */
export async function askSmtpTarget(proxy: SmtpProxyConfig, connection: Connection): Promise<TargetAnswers> {
  const target = new Leg(connection, new Doorbell());
  const greeting = await greetingOf(target);
  const greetingText = oneLine(greeting);
  if (!isPositive(greeting)) {
    const problem = `it refuses service: ${replyText(greeting)}`;
    return await takeLeave(target, { greeting: greetingText, capabilities: [], login: null, problem });
  }
  const options = resolveSmtpOptions({
    name: proxy.name,
    kind: proxy.kind,
    listen: [],
    target: targetOptions(proxy.target),
    announceClient: proxy.target.announceClient,
    timeouts: { targetMs: ANSWER_MS },
  });
  const hello = await introduce(proxy, target, options);
  const answers = { greeting: greetingText, ...hello };
  const { credentials } = proxy.target;
  if (credentials === null || hello.problem !== null) return await takeLeave(target, { ...answers, login: null });
  // In clear text or under TLS by now: only the login is left to do.
  const { problem } = await introduce(proxy, target, { ...options, credentials });
  return await takeLeave(target, { ...answers, problem, login: problem === null ? "accepted" : "refused" });
}

async function greetingOf(target: Leg): Promise<Reply> {
  const wait = await readReply(target, ANSWER_MS);
  if (wait.kind === "reply") return wait.reply;
  throw lossError(wait.loss);
}

async function introduce(
  { kind }: SmtpProxyConfig,
  target: Leg,
  options: ResolvedSmtpOptions,
): Promise<Pick<TargetAnswers, "capabilities" | "problem">> {
  // A check is no client's, so the target hears of this machine itself.
  const { local } = target.connection;
  const introduction = await new Introducer(target, options, { remote: local, local }).introduce(
    kind === "lmtp" ? "LHLO" : "EHLO",
    Deno.hostname(),
  );
  switch (introduction.kind) {
    case "introduced":
      return {
        capabilities: isPositive(introduction.reply) ? replyLines(introduction.reply).slice(1) : [],
        problem: isPositive(introduction.reply) ? null : `it refuses EHLO: ${replyText(introduction.reply)}`,
      };
    case "failed":
      return { capabilities: [], problem: introduction.problem };
    case "lost":
      throw lossError(introduction.loss);
  }
}

async function takeLeave(target: Leg, answers: TargetAnswers): Promise<TargetAnswers> {
  target.append(QUIT);
  await target.farewell();
  return answers;
}

function lossError(loss: Extract<Introduction, { kind: "lost" }>["loss"]): MailteeError {
  switch (loss) {
    case "timeout":
      return new MailteeError("timeout", `it didn't answer within ${ANSWER_MS / 1000} seconds`);
    case "malformed":
      return new MailteeError("protocol", "it doesn't speak SMTP", { hint: "Look at host, port and tls." });
    case "closed":
      return new MailteeError("connection-lost", "it closed the connection", { hint: "Look at host, port and tls." });
  }
}

function oneLine(reply: Reply): string {
  return replyText(reply).replaceAll("\n", " ");
}
