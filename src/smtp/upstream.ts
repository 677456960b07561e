/** The target's leg from the first byte to the end of EHLO, STARTTLS and AUTH. */

import { encodeUtf8, equalBytes } from "../base/bytes.ts";
import { errorText, hasCode, MailteeError } from "../base/errors.ts";
import { type ClientEnds, xclientCommand, xforwardCommand } from "./announcement.ts";
import { logIn } from "./authentication.ts";
import { type Extensions, extensionsOf, noExtensions } from "./extensions.ts";
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

/** Codes that speak against the command or the proxy, not against the client. */
const XCLIENT_REFUSED = new Set([500, 501, 502, 503, 550]);
const BAD_SEQUENCE = 503;
const RSET = encodeUtf8("RSET\r\n");
const STARTTLS = encodeUtf8("STARTTLS\r\n");
const CLEAR_TEXT_AFTER_STARTTLS = "the target sent clear text after its reply to STARTTLS";

/** True where the target has to hear of STARTTLS, AUTH or the client before anything of a mail may pass. */
export function owesIntroduction(options: ResolvedSmtpOptions): boolean {
  const { target, credentials, announceClient, clients } = options;
  return target.tls === "starttls" || credentials !== null || clients !== null || announceClient === "xclient" ||
    announceClient === "xforward";
}

function isWelcome(introduction: Introduction): introduction is Introduction & { kind: "introduced" } {
  return introduction.kind === "introduced" && isPositive(introduction.reply);
}

/** Null where the target takes XFORWARD in one go with MAIL. */
function problemWithXforward(extensions: Extensions, ends: ClientEnds): string | null {
  const command = xforwardCommand(extensions.get("XFORWARD") ?? "", {
    ends,
    helo: null,
    protocol: "SMTP",
    login: null,
  });
  if (command === null) return "the target doesn't offer XFORWARD with ADDR to this machine";
  return extensions.has("PIPELINING") ? null : "the target offers XFORWARD, but not PIPELINING";
}

/** A target's reply to a greeting command, and what it offers by it. */
interface Offer {
  readonly reply: Reply;
  readonly extensions: Extensions;
}

/** What a target offered last. It says so session after session, and those share one: 1 KB less for each that waits. */
let commonOffer: Offer | null = null;

function offerOf(reply: Reply): Offer {
  if (commonOffer === null || !equalBytes(commonOffer.reply.bytes, reply.bytes)) {
    commonOffer = { reply, extensions: extensionsOf(reply) };
  }
  return commonOffer;
}

/** Introduces clients to the target, and the proxy itself where the config wants TLS or a login. */
export class Introducer {
  readonly #target: Leg;
  readonly #options: ResolvedSmtpOptions;
  readonly #client: ClientEnds;
  #announced = false;
  /** How the client introduced itself last, and what the target offered then. */
  #last: { readonly as: Hello; readonly name: string; readonly offer: Offer } | null = null;
  /** The user whom the proxy let in. */
  #login: string | null = null;
  #loggedIn = false;

  constructor(target: Leg, options: ResolvedSmtpOptions, client: ClientEnds) {
    this.#target = target;
    this.#options = options;
    this.#client = client;
  }

  /**
   * Sends the client's EHLO (or HELO, LHLO). The first time, STARTTLS, XCLIENT and AUTH follow where the config wants
   * them, with another EHLO under TLS (RFC 3207 section 4.2) and after XCLIENT. Never goes on in clear text where TLS is
   * wanted, nor as itself where the target is to know the client.
   */
  async introduce(as: Hello, name: string): Promise<Introduction> {
    const { target: { tls }, credentials, announceClient } = this.#options;
    // Nothing of that is offered after HELO.
    const hello = as === "HELO" && owesIntroduction(this.#options) ? "EHLO" : as;
    let introduction = await this.#sayHello(hello, name);
    if (!isWelcome(introduction)) return introduction;
    if (tls === "starttls" && this.#target.connection.tls === null) {
      const problem = await this.#startTls(introduction.extensions);
      if (problem !== null) return this.#failure("target-tls", localReplies.targetNoTls, problem);
      introduction = await this.#sayHello(hello, name);
      if (!isWelcome(introduction)) return introduction;
    }
    if (announceClient === "xclient" && !this.#announced) {
      const refusal = await this.#announce(introduction.extensions, as, name);
      if (refusal !== null) return refusal;
      introduction = await this.#sayHello(hello, name);
      if (!isWelcome(introduction)) return introduction;
    }
    if (announceClient === "xforward") {
      const problem = problemWithXforward(introduction.extensions, this.#client);
      if (problem !== null) return this.#untold(problem);
    }
    if (credentials !== null && !this.#loggedIn) {
      const offered = (introduction.extensions.get("AUTH") ?? introduction.extensions.get("AUTH=") ?? "").split(/\s+/);
      const mechanisms = offered.filter((mechanism) => mechanism !== "");
      const failure = await this.#logIn(credentials, mechanisms);
      if (failure !== null) return failure;
    }
    return introduction;
  }

  /**
   * Tells the target who has logged in at the proxy, where XCLIENT can tell it; all else begins anew with that. Null
   * where there's nothing to tell.
   */
  async announceLogin(username: string): Promise<Introduction | null> {
    const attributes = this.#last?.offer.extensions.get("XCLIENT")?.toUpperCase().split(/\s+/) ?? [];
    if (this.#last === null || !this.#announced || !attributes.includes("LOGIN")) return null;
    this.#login = username;
    this.#announced = false;
    this.#loggedIn = false;
    return await this.introduce(this.#last.as, this.#last.name);
  }

  /**
   * Null where the target takes the session for the client's from now on. It greets anew then, and that may be a
   * refusal of this client, which is the client's to hear.
   */
  async #announce(extensions: Extensions, as: Hello, name: string): Promise<Introduction | null> {
    const protocol = ({ HELO: "SMTP", EHLO: "ESMTP", LHLO: "LMTP" } as const)[as];
    const facts = { ends: this.#client, helo: name, protocol, login: this.#login };
    const command = xclientCommand(extensions.get("XCLIENT") ?? "", facts);
    if (command === null) return this.#untold("the target doesn't offer XCLIENT with ADDR to this machine");
    const wait = await this.#ask(encodeUtf8(`${command}\r\n`));
    if (wait.kind === "lost") return wait;
    this.#announced = isPositive(wait.reply);
    if (this.#announced) {
      this.#last = null;
      return null;
    }
    if (XCLIENT_REFUSED.has(wait.reply.code)) {
      return this.#untold(`XCLIENT was refused: ${wait.reply.code} ${replyLines(wait.reply).join(" ")}`);
    }
    return { kind: "introduced", reply: wait.reply, extensions: noExtensions };
  }

  #untold(problem: string): Introduction {
    return this.#failure("target-announcement", localReplies.targetUntold, problem);
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
    const offer = offerOf(wait.reply);
    if (isPositive(wait.reply)) this.#last = { as: hello, name, offer };
    else if (wait.reply.code === BAD_SEQUENCE && this.#last !== null) {
      return await this.#resetInstead(hello, this.#last.offer);
    }
    return { kind: "introduced", ...offer };
  }

  /**
   * Some targets take no second EHLO (OpenSMTPD), which clients need after STARTTLS with the proxy. What they offered
   * at the first one still holds, and RSET does the rest of what EHLO does (RFC 5321 section 4.1.4).
   */
  async #resetInstead(hello: Hello, last: Offer): Promise<Introduction> {
    const wait = await this.#ask(RSET);
    if (wait.kind === "lost") return wait;
    const extensions = hello === "HELO" ? noExtensions : last.extensions;
    return { kind: "introduced", reply: isPositive(wait.reply) ? last.reply : wait.reply, extensions };
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
      this.#last = null;
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
