/** One session: moves lines between both legs, and carries out what the session reducer asks for. */

import { errorText, MailteeError } from "../base/errors.ts";
import { takeLine } from "../net/line_reader.ts";
import type { ServerTlsOptions } from "../net/types.ts";
import { BlockRelay } from "./blocks.ts";
import { ClientLines } from "./client_lines.ts";
import { parseCommand } from "./command.ts";
import type { SessionEnd } from "./counters.ts";
import { MAX_REPLY_LINE_BYTES, statusOf } from "./reply.ts";
import { Retrievals } from "./retrieve.ts";
import { step } from "./session.ts";
import type { SessionParts } from "./session_parts.ts";
import {
  awaitsTarget,
  type Block,
  type Effect,
  initialState,
  isIdle,
  nextLine,
  type SessionEvent,
  type SessionState,
} from "./session_state.ts";
import { UidIndex } from "./uid_index.ts";

export interface RelayParts extends SessionParts {
  /** For STLS with the client; null where the listener doesn't offer it. */
  readonly certificate: ServerTlsOptions | null;
}

export class Relay {
  readonly #parts: RelayParts;
  readonly #lines: ClientLines;
  readonly #uids = new UidIndex();
  readonly #blocks: BlockRelay;
  readonly #retrievals: Retrievals;
  #state: SessionState;
  #end: { readonly reason: SessionEnd; readonly cut: boolean } | null = null;
  #draining = false;
  #stopping = false;
  /** All that could be done was done; more has to come in. */
  #resting = false;
  /** The target's last line ended with LF alone. */
  #endsLinesWithLf = false;
  /** A line came or went since the time limits were set. */
  #progress = true;

  constructor(parts: RelayParts) {
    const { settings, certificate, client } = parts;
    this.#parts = parts;
    this.#lines = new ClientLines(client, settings.limits.maxLineBytes);
    this.#blocks = new BlockRelay(parts, this.#uids);
    this.#retrievals = new Retrievals(parts);
    this.#state = initialState({
      offersStls: certificate !== null,
      requireTlsForAuth: settings.requireTlsForAuth,
      maxErrors: settings.limits.maxErrors,
      wholeMailTopLines: settings.wholeMailTopLines,
    }, client.connection.tls !== null);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Octets of the mails that were delivered. */
  get octets(): number {
    return this.#retrievals.octets;
  }

  /** Runs the session to its end, once the target's greeting has been passed on, and closes both connections. */
  async run(): Promise<SessionEnd> {
    const { client, target } = this.#parts;
    try {
      while (this.#end === null) await this.#turn();
      target.cut();
      await this.#retrievals.settled();
      if (!this.#stopping) await client.flush(this.#parts.settings.timeouts.dataBlockMs);
      if (!this.#end.cut) await client.takeLeave();
      return this.#end.reason;
    } finally {
      client.cut();
      target.cut();
      this.#retrievals.abort();
      await this.#retrievals.settled();
    }
  }

  /** Ends the session as soon as nothing would be lost by it: before the login, or after QUIT. */
  finishSoon(): void {
    this.#draining = true;
    this.#parts.bell.ring();
  }

  /** Ends the session now: with a word to a client that waits for an answer, but not in the middle of one. */
  cutShort(): void {
    const { client, target, bell } = this.#parts;
    this.#stopping = true;
    if (this.#resting) return bell.ring();
    if (this.#end !== null) return client.hurry();
    client.cut();
    target.cut();
  }

  /** Takes all that has come in, writes all that follows from it, and waits for more. */
  async #turn(): Promise<void> {
    const { client, target, bell, settings } = this.#parts;
    await this.#takeAll();
    // The marks of DELE take effect with QUIT (RFC 1939 section 6), so a session in TRANSACTION may go on.
    const done = this.#draining && this.#state.phase === "authorization" && isIdle(this.#state);
    if (done || this.#stopping) this.#tell({ kind: "shutdown" });
    if (this.#end !== null) return;
    this.#sendToTarget();
    client.send(settings.timeouts.dataBlockMs);
    if (!await client.room(settings.timeouts.dataBlockMs)) return;
    this.#setDeadlines();
    target.setBusy(awaitsTarget(this.#state));
    if (!awaitsTarget(this.#state)) client.setBusy(false);
    target.listen();
    if (nextLine(this.#state) !== null) client.listen();
    this.#resting = true;
    await bell.wait();
    this.#resting = false;
  }

  /** Takes whatever has come in. Waits only for what an effect has begun: nothing else is taken meanwhile. */
  async #takeAll(): Promise<void> {
    while (this.#end === null) {
      const event = this.#nextReply() ?? this.#nextClientLine();
      if (event === null) return;
      this.#progress = true;
      for (let outcome = this.#tell(event); outcome !== null;) outcome = this.#tell(await outcome);
    }
  }

  /** The target's next line, or its loss; null where there's neither. */
  #nextReply(): SessionEvent | null {
    const { target } = this.#parts;
    const taken = takeLine(target.buffered, { maxBytes: MAX_REPLY_LINE_BYTES, bareNewline: "accept-lf" });
    switch (taken.kind) {
      case "whole": {
        const { line } = taken.line;
        this.#endsLinesWithLf = taken.consumed === line.length + 1;
        target.connection.consume(taken.consumed);
        return { kind: "status", status: statusOf(line), line };
      }
      case "too-long":
        return { kind: "target-lost", how: "protocol", midReply: false };
      case "more":
        return target.inputLoss === null ? null : { kind: "target-lost", how: target.inputLoss, midReply: false };
    }
  }

  /** The client's next line, or its loss, where it may be taken now; null where there's neither. */
  #nextClientLine(): SessionEvent | null {
    const { client } = this.#parts;
    if (client.outputLoss !== null) return { kind: "client-lost", how: client.outputLoss };
    const expected = nextLine(this.#state);
    if (expected === null) return null;
    const taken = this.#lines.take(expected === "response");
    switch (taken.kind) {
      case "line":
        return expected === "response"
          ? { kind: "response", line: taken.line }
          : { kind: "command", parsed: parseCommand(taken.line) };
      case "bad":
        return { kind: "bad-line", problem: taken.problem };
      case "more":
        if (client.inputLoss === null) return null;
        return client.inputLoss === "closed" ? { kind: "client-done" } : { kind: "client-lost", how: client.inputLoss };
    }
  }

  /**
   * Tells the reducer, carries out what it wants, and tells it what comes of that. Where that takes time, gives what it
   * is to be told then. A mail that is all there takes none, and costs no promises.
   */
  #tell(first: SessionEvent): Promise<SessionEvent> | null {
    for (let event: SessionEvent | null = first; event !== null;) {
      const { state, effects }: ReturnType<typeof step> = step(this.#state, event, this.#uids);
      this.#parts.counters.commandErrors += state.errors - this.#state.errors;
      this.#state = state;
      event = null;
      for (const effect of effects) {
        const outcome = this.#carryOut(effect);
        if (outcome instanceof Promise) return outcome;
        event = outcome ?? event;
      }
    }
    return null;
  }

  #carryOut(effect: Effect): SessionEvent | Promise<SessionEvent> | null {
    const { client, target } = this.#parts;
    switch (effect.do) {
      case "forward":
        target.appendLine(effect.line);
        return null;
      case "answer":
        client.append(effect.reply);
        this.#parts.counters.answered(effect.reply);
        return null;
      case "begin-capture": {
        const begun = this.#retrievals.begin(this.#state, effect.number, this.#uids.uidOf(effect.number));
        return { kind: begun ? "capture-begun" : "capture-refused" };
      }
      case "drop-capture":
        this.#retrievals.drop();
        return null;
      case "read-block":
        return this.#readBlock(effect.block);
      case "note-uid":
        this.#uids.addAnswer(effect.line);
        return null;
      case "note-no-uid":
        this.#uids.refuse(effect.number);
        return null;
      case "start-client-tls":
        return this.#startClientTls();
      case "end":
        this.#end = effect;
        return null;
    }
  }

  #readBlock(block: Block): SessionEvent | Promise<SessionEvent> {
    this.#sendToTarget();
    return block.what === "mail"
      ? this.#retrievals.relay(block, this.#endsLinesWithLf)
      : this.#blocks.relay(block, this.#endsLinesWithLf);
  }

  async #startClientTls(): Promise<SessionEvent> {
    const { client, certificate, settings, log, id } = this.#parts;
    const told = await client.flush(settings.timeouts.dataBlockMs);
    if (certificate === null || !told) return { kind: "client-lost", how: "tls" };
    client.allow(settings.target.connectTimeoutMs);
    try {
      const discarded = await client.connection.startServerTls(certificate);
      if (discarded > 0) {
        log.warn("Client {client} sent {discarded} bytes in clear text after STLS; they were thrown away", {
          client: client.connection.remote.address,
          discarded,
          session: id,
        });
      }
      return { kind: "client-tls-started" };
    } catch (error) {
      if (!(error instanceof MailteeError)) throw error;
      log.warn("STLS with client {client} failed: {problem}", {
        client: client.connection.remote.address,
        problem: errorText(error),
        session: id,
      });
      return { kind: "client-lost", how: "tls" };
    }
  }

  /** What can't be sent shows when the target doesn't answer. */
  #sendToTarget(): void {
    const { target, settings } = this.#parts;
    target.send(settings.timeouts.replyMs);
  }

  /** Only the one who has to speak next is timed, for a whole line: dripping octets gains no time. */
  #setDeadlines(): void {
    if (!this.#progress) return;
    this.#progress = false;
    const { client, target, settings: { timeouts } } = this.#parts;
    const targetOwes = awaitsTarget(this.#state);
    target.allow(targetOwes ? timeouts.replyMs : null);
    client.allow(targetOwes ? null : timeouts.commandMs);
  }
}
