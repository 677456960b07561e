/** The target's leg from the first byte to the end of EHLO, STARTTLS and AUTH. */

import { encodeUtf8 } from "../base/bytes.ts";
import { errorText, hasCode, MailteeError } from "../base/errors.ts";
import { logIn } from "./authentication.ts";
import { type Extensions, extensionsOf } from "./extensions.ts";
import { type Leg, readReply, type ReplyWait } from "./leg.ts";
import { localReplies } from "./local_replies.ts";
import type { TargetLoss } from "./mail_end.ts";
import type { HeldCredentials, ResolvedSmtpOptions } from "./options.ts";
import { isPositive, type Reply, replyLines } from "./reply.ts";
import type { EndReason } from "./session_state.ts";

export type Hello = "EHLO" | "HELO" | "LHLO";

export type Introduction =
  /** The target's last reply to the greeting command, which may be a refusal. */
  | { readonly kind: "introduced"; readonly reply: Reply; readonly extensions: Extensions }
  /** What the config demands can't be had: the session can't go on. `problem` is for the log. */
  | { readonly kind: "failed"; readonly answer: Reply; readonly reason: EndReason; readonly problem: string }
  | { readonly kind: "lost"; readonly loss: TargetLoss };

const STARTTLS = encodeUtf8("STARTTLS\r\n");
const CLEAR_TEXT_AFTER_STARTTLS = "the target sent clear text after its reply to STARTTLS";

/** Introduces clients to the target, and the proxy itself where the config wants TLS or a login. */
export class Introducer {
  readonly #target: Leg;
  readonly #options: ResolvedSmtpOptions;
  #loggedIn = false;

  constructor(target: Leg, options: ResolvedSmtpOptions) {
    this.#target = target;
    this.#options = options;
  }

  /**
   * Sends the client's EHLO (or HELO, LHLO). The first time, STARTTLS and AUTH follow where the config wants them, with
   * another EHLO under TLS (RFC 3207 section 4.2). Never goes on in clear text where TLS is wanted.
   */
  async introduce(as: Hello, name: string): Promise<Introduction> {
    const { target: { tls }, credentials } = this.#options;
    const connection = this.#target.connection;
    const tlsDue = tls === "starttls" && connection.tls === null;
    const loginDue = credentials !== null && !this.#loggedIn;
    // Neither STARTTLS nor AUTH is offered after HELO.
    const hello = as === "HELO" && (tls === "starttls" || credentials !== null) ? "EHLO" : as;
    let introduction = await this.#sayHello(hello, name);
    if (introduction.kind !== "introduced" || !isPositive(introduction.reply)) return introduction;
    if (tlsDue) {
      const problem = await this.#startTls(introduction.extensions);
      if (problem !== null) return this.#failure("target-tls", localReplies.targetNoTls, problem);
      introduction = await this.#sayHello(hello, name);
      if (introduction.kind !== "introduced" || !isPositive(introduction.reply)) return introduction;
    }
    if (loginDue) {
      const offered = (introduction.extensions.get("AUTH") ?? introduction.extensions.get("AUTH=") ?? "").split(/\s+/);
      const mechanisms = offered.filter((mechanism) => mechanism !== "");
      const failure = await this.#logIn(credentials, mechanisms);
      if (failure !== null) return failure;
    }
    return introduction;
  }

  /** Null where the proxy is logged in now. */
  async #logIn(credentials: HeldCredentials, mechanisms: readonly string[]): Promise<Introduction | null> {
    try {
      const problem = await logIn(this.#target, credentials, mechanisms, this.#options.timeouts.targetMs);
      this.#loggedIn = problem === null;
      return problem === null ? null : this.#failure("target-login", localReplies.targetLogin, problem);
    } catch (error) {
      if (!hasCode(error, "connection-lost", "timeout")) throw error;
      return { kind: "lost", loss: error.code === "timeout" ? "timeout" : "closed" };
    }
  }

  #failure(reason: EndReason, answer: Reply, problem: string): Introduction {
    return { kind: "failed", answer, reason, problem: `${this.#options.target.host}: ${problem}` };
  }

  async #sayHello(hello: Hello, name: string): Promise<Introduction> {
    const wait = await this.#ask(encodeUtf8(`${hello} ${name}\r\n`));
    if (wait.kind === "lost") return wait;
    return { kind: "introduced", reply: wait.reply, extensions: extensionsOf(wait.reply) };
  }

  /** Null where TLS is active now; else what went wrong. */
  async #startTls(extensions: Extensions): Promise<string | null> {
    if (!extensions.has("STARTTLS")) return "the target doesn't offer STARTTLS";
    const { connection } = this.#target;
    if (connection.buffered.length > 0) return "the target sent more than was asked for before STARTTLS";
    const wait = await this.#ask(STARTTLS);
    if (wait.kind === "lost") return "the connection was lost in STARTTLS";
    if (wait.reply.code !== 220) return `STARTTLS was refused: ${wait.reply.code} ${replyLines(wait.reply).join(" ")}`;
    // What comes in clear text now was slipped in, to be taken for replies under TLS (RFC 3207 section 6).
    if (connection.buffered.length > 0) return CLEAR_TEXT_AFTER_STARTTLS;
    const { host, trust, connectTimeoutMs } = this.#options.target;
    this.#target.allow(connectTimeoutMs);
    try {
      const discarded = await connection.startClientTls({ serverName: host, trust });
      return discarded === 0 ? null : CLEAR_TEXT_AFTER_STARTTLS;
    } catch (error) {
      if (!(error instanceof MailteeError)) throw error;
      return errorText(error);
    }
  }

  async #ask(line: Uint8Array): Promise<ReplyWait> {
    const { targetMs } = this.#options.timeouts;
    this.#target.append(line);
    this.#target.allow(targetMs);
    await this.#target.flush();
    return await readReply(this.#target, targetMs);
  }
}
