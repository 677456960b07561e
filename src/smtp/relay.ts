/** One session: moves bytes between both legs, and carries out what the session reducer asks for. */

import { parseAddressList } from "../net/address_list.ts";
import type { ServerTlsOptions } from "../net/types.ts";
import type { SaslCredentials } from "../sasl/types.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import { errorText, MailteeError } from "../base/errors.ts";
import { skipOctets } from "./chunk_phase.ts";
import { ClientLines } from "./client_lines.ts";
import { type Command, parseCommand } from "./command.ts";
import type { Doorbell } from "../net/doorbell.ts";
import type { LoginGate } from "./login_gate.ts";
import { localReplies } from "./local_replies.ts";
import { isPositive, type Reply, takeReply } from "./reply.ts";
import { step } from "./session.ts";
import { SessionMails, type SessionParts } from "./session_mails.ts";
import {
  type Effect,
  type EndReason,
  initialState,
  isIdle,
  type Job,
  type SessionEvent,
  type SessionState,
  takesCommand,
  takesInput,
} from "./session_state.ts";
import { Introducer, type Introduction, owesIntroduction } from "./upstream.ts";

/** How long taking leave may take. */
const FAREWELL_MS = 2000;
const thisMachine = parseAddressList(["localhost"]);
const QUIT = encodeUtf8("QUIT\r\n");

export interface RelayParts extends SessionParts {
  readonly bell: Doorbell;
  /** For STARTTLS towards the client; null where the listener doesn't offer it. */
  readonly certificate: ServerTlsOptions | null;
  readonly loginGate: LoginGate;
  /** Aborted when the session is cut short. */
  readonly signal: AbortSignal;
}

export class Relay {
  readonly #parts: RelayParts;
  readonly #lines: ClientLines;
  readonly #mails: SessionMails;
  readonly #introducer: Introducer;
  #state: SessionState;
  #endReason: EndReason | null = null;
  #draining = false;
  #cutShort = false;
  /** A whole command that waits for the replies to those before it. */
  #waiting: Command | null = null;
  /** A line was taken or a reply came since the time limits were set. */
  #progress = true;

  constructor(parts: RelayParts) {
    const { options, client, target, certificate } = parts;
    this.#parts = parts;
    this.#lines = new ClientLines(client, options.bareNewline);
    this.#mails = new SessionMails(parts);
    this.#introducer = new Introducer(target, options, client.connection);
    this.#state = initialState({
      kind: options.kind,
      offersStartTls: certificate !== null,
      mustIntroduce: owesIntroduction(options),
      holdsCredentials: options.credentials !== null,
      checksLogins: options.clients !== null,
      requireTlsForAuth: options.requireTlsForAuth === "from-elsewhere"
        ? !thisMachine.has(client.connection.remote.address)
        : options.requireTlsForAuth,
      xforward: options.announceClient === "xforward" ? client.connection : null,
      maxRecipients: options.limits.maxRecipients,
      maxMailBytes: options.limits.maxMailBytes,
      maxErrors: options.limits.maxErrors,
    }, { client: client.connection.tls !== null, target: target.connection.tls !== null });
  }

  get state(): SessionState {
    return this.#state;
  }

  get mailCount(): number {
    return this.#mails.count;
  }

  /** Runs the session to its end, from the target's greeting on. Rejects only with errors of the program. */
  async run(greeting: Reply): Promise<EndReason> {
    try {
      this.#tell({ kind: "greeting", reply: greeting });
      for (;;) {
        await this.#turn();
        if (this.#endReason !== null) break;
        // Not in the turn: each function that waits takes half a kilobyte, and most sessions wait most of the time.
        await this.#parts.bell.wait();
      }
      await this.#farewell(this.#endReason);
      return this.#cutShort ? "shutdown" : this.#endReason;
    } finally {
      this.#mails.abort();
    }
  }

  /** Ends the session as soon as no mail is under way. */
  finishSoon(): void {
    this.#draining = true;
    this.#parts.bell.ring();
  }

  /** Ends the session now, whatever is under way. */
  async cutShort(): Promise<void> {
    const { client, target } = this.#parts;
    this.#cutShort = true;
    client.allow(FAREWELL_MS);
    await client.write(localReplies.shuttingDown.bytes);
    client.cut();
    target.cut();
  }

  /** Takes all that has come in, writes all that follows from it, and listens for more. */
  async #turn(): Promise<void> {
    this.#takeReplies();
    if (this.#draining && isIdle(this.#state)) this.#tell({ kind: "shutdown" });
    await this.#takeLines();
    await this.#flush();
    if (this.#endReason !== null) return;
    const { client, target } = this.#parts;
    this.#setDeadlines();
    if (!this.#state.targetGone) target.listen();
    if (this.#waiting === null && takesInput(this.#state)) client.listen();
  }

  #takeReplies(): void {
    const { target } = this.#parts;
    if (this.#state.targetGone) return;
    while (this.#endReason === null) {
      const scan = takeReply(target.buffered);
      if (scan.kind === "malformed") return void this.#tell({ kind: "target-lost", loss: "malformed" });
      if (scan.kind === "more") break;
      this.#progress = true;
      this.#tell({ kind: "reply", reply: scan.reply });
      target.connection.consume(scan.consumed);
    }
    if (this.#endReason === null && target.loss !== null) this.#tell({ kind: "target-lost", loss: target.loss });
  }

  /** Takes the client's lines as far as they may be taken now. */
  async #takeLines(): Promise<void> {
    while (takesInput(this.#state)) {
      const event = this.#nextEvent();
      if (event === null) return;
      this.#progress = true;
      const job = this.#tell(event);
      this.#lines.consume();
      if (job !== null) await this.#carryOut(job);
    }
  }

  /** What the client's next line, or its end, means; null where that has to wait. */
  #nextEvent(): SessionEvent | null {
    const { client, options: { limits } } = this.#parts;
    const inExchange = this.#state.exchange !== null || this.#state.ownExchange !== null;
    const next = this.#lines.next(inExchange ? limits.maxAuthLineBytes : limits.maxLineBytes, limits.maxAuthLineBytes);
    if (next.kind === "bad") return { kind: "bad-line", problem: next.problem };
    if (next.kind === "more") {
      // Replies that are still owed go to a client that has only ended its own sending.
      const over = client.loss !== null && (client.loss === "timeout" || this.#state.expected.length === 0);
      return over ? { kind: "client-lost", how: client.loss } : null;
    }
    if (inExchange) return { kind: "auth-response", line: next.line };
    const command = this.#waiting ?? parseCommand(next.line);
    this.#waiting = takesCommand(this.#state, command) ? null : command;
    if (this.#waiting !== null) return null;
    return { kind: "command", command, line: next.line, talkedOn: this.#lines.hasMore };
  }

  /** Tells the reducer and carries out all but a job, which is given back. */
  #tell(event: SessionEvent): Job | null {
    const { state, effects } = step(this.#state, event);
    this.#parts.counters.commandErrors += state.errors - this.#state.errors;
    this.#state = state;
    let job: Job | null = null;
    for (const effect of effects) job = this.#apply(effect) ?? job;
    return job;
  }

  #apply(effect: Effect): Job | null {
    const { client, target } = this.#parts;
    switch (effect.do) {
      case "forward":
        target.appendLine(effect.line);
        return null;
      case "answer":
        client.append(effect.reply.bytes);
        this.#parts.counters.answered(effect.reply);
        return null;
      case "abort-copy":
        this.#mails.abort();
        return null;
      case "cut-target":
        target.cut();
        return null;
      case "end":
        this.#endReason = effect.reason;
        return null;
      default:
        return effect;
    }
  }

  /** Carries out a job, and those that follow from it. */
  async #carryOut(first: Job): Promise<void> {
    for (let job: Job | null = first; job !== null;) {
      await this.#flush();
      this.#parts.client.allow(null);
      job = this.#tell(await this.#perform(job));
    }
  }

  async #perform(job: Job): Promise<SessionEvent> {
    switch (job.do) {
      case "introduce":
        return await this.#introduce(job.as, job.name);
      case "start-client-tls":
        return await this.#startClientTls();
      case "check-login":
        return await this.#checkLogin(job.credentials);
      case "transfer-mail":
        return { kind: "mail-ended", end: await this.#mails.sendData(this.#state, job.transaction) };
      case "transfer-chunk":
        return await this.#mails.sendChunk(this.#state, job.transaction, job.size, job.last);
      case "skip-chunk": {
        const { client, options } = this.#parts;
        client.allow(options.timeouts.drainMs);
        const skipped = await skipOctets(client, job.size);
        return skipped
          ? { kind: "chunk-skipped", answer: job.answer }
          : { kind: "client-lost", how: client.loss ?? "closed" };
      }
    }
  }

  async #checkLogin(credentials: SaslCredentials): Promise<SessionEvent> {
    const { client, options, loginGate, signal, log, id } = this.#parts;
    const { username } = credentials;
    const { address } = client.connection.remote;
    const clients = options.clients ?? [];
    const outcome = await loginGate.check({ clients, credentials, address, signal });
    if (outcome === "accepted") return await this.#announceLogin(username);
    // People type passwords where names belong.
    const user = clients.some((each) => each.username === username) ? username : undefined;
    log.warn("Login {outcome}", { outcome, proxy: options.name, session: id, client: address, user });
    return { kind: "login-checked", outcome, username };
  }

  async #announceLogin(username: string): Promise<SessionEvent> {
    const announced = await this.#introducer.announceLogin(username);
    if (announced === null) return { kind: "login-checked", outcome: "accepted", username };
    if (announced.kind !== "introduced") return this.#failureOf(announced);
    return isPositive(announced.reply)
      ? { kind: "login-checked", outcome: "accepted", username }
      : { kind: "introduction-failed", answer: announced.reply, reason: "target-refused" };
  }

  async #introduce(as: "EHLO" | "HELO" | "LHLO", name: string): Promise<SessionEvent> {
    const result = await this.#introducer.introduce(as, name);
    if (result.kind !== "introduced") return this.#failureOf(result);
    const { reply, extensions } = result;
    return { kind: "introduced", as, name, reply, extensions, targetTls: this.#parts.target.connection.tls !== null };
  }

  #failureOf(result: Exclude<Introduction, { kind: "introduced" }>): SessionEvent {
    if (result.kind === "lost") return { kind: "target-lost", loss: result.loss };
    const { log, id, options } = this.#parts;
    log.error("Proxy {proxy} can't use its target: {problem}", {
      proxy: options.name,
      session: id,
      problem: result.problem,
    });
    return { kind: "introduction-failed", answer: result.answer, reason: result.reason };
  }

  async #startClientTls(): Promise<SessionEvent> {
    const { client, certificate, options, log, id } = this.#parts;
    if (certificate === null) return { kind: "client-lost", how: "tls" };
    client.allow(options.target.connectTimeoutMs);
    try {
      await client.connection.startServerTls(certificate);
      return { kind: "client-tls-started" };
    } catch (error) {
      if (!(error instanceof MailteeError)) throw error;
      log.warn("STARTTLS with client {client} failed: {problem}", {
        client: client.connection.remote.address,
        session: id,
        problem: errorText(error),
      });
      return { kind: "client-lost", how: "tls" };
    }
  }

  async #flush(): Promise<void> {
    const { client, target, options: { timeouts } } = this.#parts;
    if (target.hasOutput) {
      target.allow(timeouts.targetMs);
      await target.flush();
    }
    if (client.hasOutput) {
      client.allow(timeouts.clientMs);
      await client.flush();
    }
  }

  /** Only the one who has to speak next is timed, for a whole line or reply: dripping octets gains no time. */
  #setDeadlines(): void {
    if (!this.#progress) return;
    this.#progress = false;
    const { client, target, options: { timeouts } } = this.#parts;
    const targetOwes = this.#state.expected.length > 0;
    target.allow(targetOwes ? timeouts.targetMs : null);
    client.allow(targetOwes ? null : timeouts.clientMs);
  }

  /** Takes leave of both sides as far as they listen. */
  async #farewell(reason: EndReason): Promise<void> {
    const { client, target } = this.#parts;
    if (reason !== "quit") {
      target.allow(FAREWELL_MS);
      target.append(QUIT);
      await target.flush();
    }
    target.cut();
    if (reason === "client-closed") return;
    if (reason !== "quit") return await client.farewell();
    // A client that said QUIT sends nothing more that could be lost.
    client.allow(FAREWELL_MS);
    await client.flush();
  }
}
