/** The mails of one session: begins their copies, sends them, and says in the log what became of them. */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { CaptureStart, DropWriter } from "../drop/types.ts";
import { type ChunkEnd, transferChunk } from "./chunk_phase.ts";
import { type Counters, outcomeOf } from "./counters.ts";
import { transferData } from "./data_phase.ts";
import type { Leg } from "./leg.ts";
import { MailCopy } from "../drop/mail_copy.ts";
import type { MailEnd } from "./mail_end.ts";
import { MailTransfer } from "./mail_transfer.ts";
import type { ResolvedSmtpOptions } from "./options.ts";
import { type Reply, replyText } from "./reply.ts";
import type { SessionState, Transaction } from "./session_state.ts";

/** What a session is made of, besides its state. */
export interface SessionParts {
  /** For the log: tells a session's lines from others. */
  readonly id: string;
  /** The address that the client connected to, as `192.0.2.1:25`. */
  readonly listen: string;
  readonly client: Leg;
  readonly target: Leg;
  readonly options: ResolvedSmtpOptions;
  readonly drop: DropWriter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Counters;
}

interface MailUnderWay {
  readonly transfer: MailTransfer;
  readonly startedMs: number;
}

export class SessionMails {
  readonly #parts: SessionParts;
  /** Between the chunks of a mail. */
  #chunked: MailUnderWay | null = null;
  #count = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** How many mails were sent, whatever became of them. */
  get count(): number {
    return this.#count;
  }

  /** The mail of one DATA command. */
  async sendData(state: SessionState, transaction: Transaction): Promise<MailEnd> {
    const mail = this.#begin(state, transaction);
    const end = await transferData(mail.transfer);
    this.#report(mail, state, end);
    return end;
  }

  /** One chunk of a mail. */
  async sendChunk(state: SessionState, transaction: Transaction, size: number, last: boolean): Promise<ChunkEnd> {
    const mail = this.#chunked ?? this.#begin(state, transaction);
    this.#chunked = mail;
    const result = await transferChunk(mail.transfer, size, last);
    if (result.kind === "mail-ended") {
      this.#chunked = null;
      this.#report(mail, state, result.end);
    }
    return result;
  }

  /** Leaves nothing of the chunks so far. */
  abort(): void {
    this.#chunked?.transfer.copy.abort();
    this.#chunked = null;
  }

  #begin(state: SessionState, transaction: Transaction): MailUnderWay {
    const { client, target, options, drop, log, clock, counters } = this.#parts;
    const copy = new MailCopy(drop, this.#captureStart(state, transaction), {
      onFailure: options.onCaptureFailure,
      log,
      onFailed: () => void counters.copyFailures++,
    });
    return {
      transfer: new MailTransfer({ client, target, copy, options, transaction }),
      startedMs: clock.monotonicMs(),
    };
  }

  #captureStart(state: SessionState, transaction: Transaction): CaptureStart {
    const { listen, client, target, options } = this.#parts;
    const { mailFrom, params, recipients, rejectedRecipients } = transaction;
    return {
      proxy: { name: options.name, kind: options.kind, listen },
      client: {
        ...client.connection.remote,
        helo: state.clientName,
        tls: client.connection.tls,
        authenticatedAs: state.authenticatedAs,
      },
      target: { host: options.target.host, ...target.connection.remote, tls: target.connection.tls },
      smtp: { mailFrom, params, recipients, rejectedRecipients },
    };
  }

  #report({ transfer, startedMs }: MailUnderWay, state: SessionState, end: MailEnd): void {
    const { id, client, options, clock, log, counters } = this.#parts;
    const { copy, transaction } = transfer;
    const outcome = outcomeOf(end);
    this.#count++;
    counters.mailEnded(end, outcome, copy.size);
    log.info("Mail {outcome}", {
      outcome: outcome === "undelivered" ? end.kind : outcome,
      proxy: options.name,
      session: id,
      client: client.connection.remote.address,
      user: state.authenticatedAs ?? undefined,
      from: transaction.mailFrom,
      recipients: transaction.recipients.length,
      size: copy.size,
      reply: repliesOf(end).map(replyText).join(" | ") || undefined,
      capture: copy.isSafe ? copy.id ?? undefined : undefined,
      ms: Math.round(clock.monotonicMs() - startedMs),
    });
  }
}

function repliesOf(end: MailEnd): readonly Reply[] {
  switch (end.kind) {
    case "answered":
      return end.replies;
    case "not-started":
    case "early-reply":
      return [end.reply];
    case "endless":
      return repliesOf(end.cause);
    default:
      return [];
  }
}
