/** What DATA and BDAT have in common: one mail on its way from the client to the target and into its copy. */

import { encodeUtf8 } from "../base/bytes.ts";
import type { ReportRecipient, Settlement } from "../drop/types.ts";
import { type Leg, readReply, type ReplyWait } from "./leg.ts";
import type { MailCopy } from "../drop/mail_copy.ts";
import { lossOfMail, type MailEnd, type TargetLoss } from "./mail_end.ts";
import type { ResolvedSmtpOptions } from "./options.ts";
import { isPositive, type Reply, replyText } from "./reply.ts";
import type { Transaction } from "./session_state.ts";

/** Octets of a mail that are read at once, at first and once it proves to be large. */
const FIRST_READ_BYTES = 8 * 1024;
const LARGE_READ_BYTES = 64 * 1024;
/** Octets that are read at once while lines are exchanged. */
const LINE_READ_BYTES = 512;
/** So much of the last piece waits for the copy, and is written together with what ends the mail. */
const HELD_BYTES = 16 * 1024;
/** After so many octets the client's time limit starts anew: an octet a second is enough for the default. */
const BLOCK_BYTES = 128;

/** One mail under way. */
export class MailTransfer {
  readonly client: Leg;
  readonly target: Leg;
  readonly copy: MailCopy;
  readonly options: ResolvedSmtpOptions;
  readonly transaction: Transaction;
  #stopped: MailEnd | null = null;
  #blockBytes = 0;

  constructor(parts: {
    readonly client: Leg;
    readonly target: Leg;
    readonly copy: MailCopy;
    readonly options: ResolvedSmtpOptions;
    readonly transaction: Transaction;
  }) {
    this.client = parts.client;
    this.target = parts.target;
    this.copy = parts.copy;
    this.options = parts.options;
    this.transaction = parts.transaction;
  }

  /** Set once it is clear how this mail ends, while the client still sends it. */
  get stopped(): MailEnd | null {
    return this.#stopped;
  }

  /**
   * Gives this mail up. The target's connection is cut before the end of the mail, so that it can't take a part for the
   * whole; from now on the client has a limited time to come to its end.
   */
  stop(end: MailEnd): MailEnd {
    if (this.#stopped !== null) return this.#stopped;
    this.#stopped = end;
    this.copy.abort();
    this.target.cut();
    this.client.allow(this.options.timeouts.drainMs);
    return end;
  }

  /** Larger reads, as long as a mail flows. */
  begin(): void {
    this.client.connection.setReadSize(FIRST_READ_BYTES);
    this.#blockBytes = 0;
  }

  /** Small reads again. */
  finish(): void {
    this.client.connection.setReadSize(LINE_READ_BYTES);
  }

  /** Waits for more of the mail; the end of this mail where nothing more comes. */
  async more(): Promise<MailEnd | null> {
    if (this.copy.size >= FIRST_READ_BYTES) this.client.connection.setReadSize(LARGE_READ_BYTES);
    if (await this.client.more()) return null;
    const how = this.client.loss ?? "closed";
    const stopped = this.#stopped;
    if (stopped === null) return this.stop({ kind: "client-lost", how });
    return how === "timeout" ? { kind: "endless", cause: stopped } : { kind: "client-lost", how };
  }

  /** Copies the next piece of the mail before it is sent on, and gives the mail up where that, its size or the target asks for it. */
  async take(content: Uint8Array): Promise<void> {
    if (this.#stopped !== null) return;
    this.#extendDeadline(content.length);
    this.copy.write(content);
    const { maxMailBytes } = this.options.limits;
    if (maxMailBytes !== null && this.copy.size > maxMailBytes) this.stop({ kind: "too-big" });
    else if (this.copy.forbidsDelivery) this.stop(this.copyFailure());
    else await this.#checkTarget();
  }

  /** Sends a piece of the mail on, as far as it still goes there. */
  async send(piece: Uint8Array): Promise<void> {
    if (this.#stopped !== null) return;
    this.target.allow(this.options.timeouts.dataMs);
    await this.target.flush();
    if (piece.length > 0) await this.target.write(piece);
    // Only its taking what is sent has a limit here: it has nothing to say until the end.
    this.target.allow(null);
  }

  /**
   * The whole mail is here, and its last piece has been taken but not sent: makes the copy safe, and only then sends
   * what ends the mail at the target; gives what the target answers to it.
   */
  async complete(lastPiece: Uint8Array, marker: Uint8Array): Promise<MailEnd> {
    const heldFrom = Math.max(0, lastPiece.length - HELD_BYTES);
    if (heldFrom > 0) await this.send(lastPiece.subarray(0, heldFrom));
    await this.copy.seal();
    if (this.copy.forbidsDelivery) this.stop(this.copyFailure());
    else await this.#checkTarget();
    if (this.#stopped !== null) return this.#stopped;
    const { dataEndMs } = this.options.timeouts;
    this.target.allow(dataEndMs);
    this.target.append(lastPiece.subarray(heldFrom));
    this.target.append(marker);
    await this.target.flush();
    return this.options.kind === "lmtp" ? await this.#settlePerRecipient() : await this.#settle();
  }

  copyFailure(): MailEnd {
    return { kind: "copy-failed", stage: "during", noSpace: this.copy.noSpace };
  }

  /** A slow client has to bring a block within the time limit, not just an octet. */
  #extendDeadline(octets: number): void {
    this.#blockBytes += octets;
    if (this.#blockBytes < BLOCK_BYTES) return;
    this.#blockBytes = 0;
    this.client.allow(this.options.timeouts.dataMs);
  }

  /** A target that answers or hangs up before the end of the mail won't take it. */
  async #checkTarget(): Promise<void> {
    const { target } = this;
    if (target.buffered.length === 0 && target.loss === null) return;
    const wait = await readReply(target, this.options.timeouts.targetMs);
    this.stop(
      wait.kind === "reply"
        ? { kind: "early-reply", reply: wait.reply }
        : { kind: "target-lost", stage: "during", loss: wait.loss },
    );
  }

  async #settle(): Promise<MailEnd> {
    const wait = await readReply(this.target, this.options.timeouts.dataEndMs);
    if (wait.kind === "lost" || isIntermediate(wait.reply)) {
      await this.copy.commit({ outcome: "unknown" });
      const loss = wait.kind === "lost" ? wait.loss : "malformed";
      return { kind: "target-lost", stage: "after", loss };
    }
    if (isPositive(wait.reply)) await this.copy.commit({ outcome: "accepted", reply: replyText(wait.reply) });
    else this.copy.abort();
    return { kind: "answered", replies: [wait.reply], lost: false };
  }

  /** RFC 2033 section 4.2: one reply for each recipient that RCPT was accepted for, in their order. */
  async #settlePerRecipient(): Promise<MailEnd> {
    const { recipients, rejectedRecipients } = this.transaction;
    const taken: ReportRecipient[] = [];
    const refused: ReportRecipient[] = [];
    const replies: Reply[] = [];
    let loss: TargetLoss | null = null;
    for (const recipient of recipients) {
      const wait: ReplyWait | null = loss === null
        ? await readReply(this.target, this.options.timeouts.dataEndMs)
        : null;
      if (wait?.kind === "lost") loss = wait.loss;
      if (wait?.kind === "reply" && isIntermediate(wait.reply)) loss = "malformed";
      const reply = wait?.kind === "reply" && loss === null ? wait.reply : lossOfMail[loss ?? "closed"];
      replies.push(reply);
      const settled = { ...recipient, reply: replyText(reply) };
      if (loss !== null || isPositive(reply)) taken.push(settled);
      else refused.push(settled);
    }
    if (taken.length === 0) this.copy.abort();
    else await this.copy.commit(settlementOf(taken, refused, rejectedRecipients, loss));
    return { kind: "answered", replies, lost: loss !== null };
  }
}

/** A 3xx has no place after the end of a mail. */
function isIntermediate(reply: Reply): boolean {
  return reply.code >= 300 && reply.code < 400;
}

/** LMTP: recipients change only where some were refused in the end. */
function settlementOf(
  taken: readonly ReportRecipient[],
  refused: readonly ReportRecipient[],
  rejected: readonly ReportRecipient[],
  loss: TargetLoss | null,
): Settlement {
  const outcome = loss === null ? "accepted" : "unknown";
  const reply = taken.map((recipient) => recipient.reply).join("\n");
  return refused.length === 0
    ? { outcome, reply }
    : { outcome, reply, recipients: taken, rejectedRecipients: [...rejected, ...refused] };
}

/** A command line of the proxy's own. */
export function commandLine(text: string): Uint8Array {
  return encodeUtf8(`${text}\r\n`);
}
