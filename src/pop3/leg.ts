/** One leg of a session: a connection with what waits to be written to it, and word of what comes in. */

import { hasCode } from "../base/errors.ts";
import { Doorbell } from "../net/doorbell.ts";
import { closeAfterLastWords } from "../net/farewell.ts";
import type { Connection } from "../net/types.ts";
import { Outbox, type OutgoingMail, WRITE_BYTES } from "./outbox.ts";
import { withCrLf } from "./reply.ts";

/** How long the end of a session may take to reach a peer that no longer listens. */
const FAREWELL_MS = 2000;
/** Octets that are read at once. */
const BUSY_READ_BYTES = 64 * 1024;
const IDLE_READ_BYTES = 2048;
/** So much may wait to be written while a mail holds the rest back. */
const MAX_HELD_BYTES = 1024 * 1024;
/** So many mails may wait for their copies. */
const MAX_HELD_MAILS = 16;

/** Why nothing more comes from a peer. */
export type LegLoss = "closed" | "timeout";
/** Why a peer gets nothing more. "copy-failed": it has seen a part of a mail that has no copy. */
export type OutputLoss = LegLoss | "copy-failed";

export class Leg {
  readonly connection: Connection;
  readonly #bell: Doorbell;
  readonly #outbox = new Outbox();
  /** Rings when something was written or given free, and when nothing more can be written. */
  readonly #moved = new Doorbell();
  #bytesUnderWay = 0;
  #hurried = false;
  #readMs: number | null = null;
  #listening = false;
  #inputLoss: LegLoss | null = null;
  #outputLoss: OutputLoss | null = null;

  /** @param bell rings whenever more has come in, or nothing more will, or the peer takes nothing more */
  constructor(connection: Connection, bell: Doorbell) {
    this.connection = connection;
    this.#bell = bell;
  }

  /** Set once nothing more comes in. What is buffered is still to be read. */
  get inputLoss(): LegLoss | null {
    return this.#inputLoss;
  }

  /** Set once the peer takes nothing more. */
  get outputLoss(): OutputLoss | null {
    return this.#outputLoss;
  }

  get buffered(): Uint8Array {
    return this.connection.buffered;
  }

  /** How long reading may take, from now, or from when what is being written has gone; null for no limit. */
  allow(ms: number | null): void {
    this.#readMs = ms;
    if (this.#bytesUnderWay === 0) this.connection.setDeadline(ms);
  }

  /** With much under way, more is read at once, and more memory is held for reading and writing. */
  setBusy(busy: boolean): void {
    this.connection.setReadSize(busy ? BUSY_READ_BYTES : IDLE_READ_BYTES);
    if (!busy) this.#outbox.forgetMemory();
  }

  /** Adds bytes to what is written next. They must not change any more. */
  append(bytes: Uint8Array): void {
    this.#outbox.append(bytes);
  }

  /** Adds a line and its CRLF; they are copied. */
  appendLine(line: Uint8Array): void {
    this.#outbox.append(withCrLf(line));
  }

  /** A mail whose octets come from now on; nothing else may be added before it is held or released. */
  beginMail(): OutgoingMail {
    return this.#outbox.beginMail();
  }

  /** Starts to write what may go, unless that is under way. The peer has `ms` to take each piece. */
  send(ms: number): void {
    if (this.#bytesUnderWay > 0 || this.#outputLoss !== null) return;
    const bytes = this.#outbox.take();
    if (bytes !== null) this.#write(bytes, ms);
  }

  /**
   * Resolves once little enough waits to be written: one write's worth, or more while a mail is held back. False where
   * the peer takes nothing more; never rejects.
   */
  room(ms: number): boolean | Promise<boolean> {
    if (this.#outputLoss !== null) return false;
    return !this.#isFull || this.#sent(ms, () => !this.#isFull);
  }

  /** Writes all that was added, and waits for what is held back. False where the peer takes nothing more; never rejects. */
  flush(ms: number): Promise<boolean> {
    return this.#sent(ms, () => this.#outbox.isEmpty && this.#bytesUnderWay === 0);
  }

  /** Starts to wait for more, unless it already does; the bell tells. */
  listen(): void {
    if (this.#inputLoss !== null || this.#listening) return;
    this.#listening = true;
    this.connection.fill().then(this.#onFill, this.#onFailure);
  }

  /** All that is still to be written has to go within two seconds. */
  hurry(): void {
    this.#hurried = true;
    this.connection.setDeadline(FAREWELL_MS);
  }

  /** Writes what was added and closes so that the peer gets it, as far as it still listens. */
  async takeLeave(): Promise<void> {
    this.hurry();
    if (await this.flush(FAREWELL_MS)) await closeAfterLastWords(this.connection, FAREWELL_MS);
    this.cut();
  }

  /** Closes the connection at once. */
  cut(loss: OutputLoss = "closed"): void {
    this.connection.close();
    this.#inputLoss ??= "closed";
    this.#loseOutput(loss);
  }

  get #isFull(): boolean {
    const { heldMails, bytes } = this.#outbox;
    const mostBytes = heldMails > 0 ? MAX_HELD_BYTES : WRITE_BYTES;
    return bytes + this.#bytesUnderWay > mostBytes || heldMails >= MAX_HELD_MAILS;
  }

  async #sent(ms: number, isEnough: () => boolean): Promise<boolean> {
    while (this.#outputLoss === null && !isEnough()) {
      this.send(ms);
      await this.#moved.wait();
    }
    return this.#outputLoss === null;
  }

  async #write(first: Uint8Array, ms: number): Promise<void> {
    try {
      for (let bytes: Uint8Array | null = first; bytes !== null; bytes = this.#outbox.take()) {
        this.#bytesUnderWay = bytes.length;
        if (!this.#hurried) this.connection.setDeadline(ms);
        await this.connection.write(bytes);
        this.#moved.ring();
      }
    } catch (error) {
      this.#loseOutput(lossOf(error));
    } finally {
      this.#bytesUnderWay = 0;
      if (!this.#hurried) this.connection.setDeadline(this.#readMs);
    }
  }

  #loseOutput(loss: OutputLoss): void {
    this.#outputLoss ??= loss;
    this.#moved.ring();
    this.#bell.ring();
  }

  readonly #onFill = (grown: boolean): void => {
    this.#listening = false;
    if (!grown) this.#inputLoss ??= "closed";
    this.#bell.ring();
  };

  readonly #onFailure = (error: unknown): void => {
    this.#listening = false;
    this.#inputLoss ??= lossOf(error);
    this.#bell.ring();
  };
}

function lossOf(error: unknown): LegLoss {
  return hasCode(error, "timeout") ? "timeout" : "closed";
}
