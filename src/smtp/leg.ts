/** One leg of a session: a connection with what waits to be written to it, and word of what comes in. */

import { hasCode, MailteeError } from "../base/errors.ts";
import { closeAfterLastWords } from "../net/farewell.ts";
import type { Doorbell } from "../net/doorbell.ts";
import type { Connection } from "../net/types.ts";
import { takeReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import type { TargetLoss } from "./mail_end.ts";

const OUTPUT_BYTES = 512;
/** So many pieces of output memory are kept for the next outputs. */
const MAX_SPARE_OUTPUTS = 64;
const CR = 0x0d;
const LF = 0x0a;
const noOutput = new Uint8Array(0);
/** Memory of outputs that were written whole. A leg that has nothing to write holds none: 0.7 KB less each. */
const spareOutputs: Uint8Array<ArrayBuffer>[] = [];
/** How long the end of a session may take with a peer that no longer listens. */
const FAREWELL_MS = 2000;

/** Why nothing more comes from a peer. */
export type LegLoss = "closed" | "timeout";

export class Leg {
  readonly connection: Connection;
  readonly #bell: Doorbell;
  #output = noOutput;
  #outputLength = 0;
  #listening: Promise<void> | null = null;
  #loss: LegLoss | null = null;
  #writable = true;

  /** @param bell rings whenever more has come in, or nothing more will */
  constructor(connection: Connection, bell: Doorbell) {
    this.connection = connection;
    this.#bell = bell;
  }

  /** Set once nothing more comes in. What is buffered is still to be read. */
  get loss(): LegLoss | null {
    return this.#loss;
  }

  get buffered(): Uint8Array {
    return this.connection.buffered;
  }

  /** Something was appended and isn't written yet. */
  get hasOutput(): boolean {
    return this.#outputLength > 0;
  }

  /** From now, how long reading and writing may take. */
  allow(ms: number | null): void {
    this.connection.setDeadline(ms);
  }

  /** Adds bytes to what the next `flush` writes; they are copied. */
  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#output.set(bytes, this.#outputLength);
    this.#outputLength += bytes.length;
  }

  /** Adds a line and its CRLF. */
  appendLine(line: Uint8Array): void {
    this.#reserve(line.length + 2);
    this.#output.set(line, this.#outputLength);
    this.#output[this.#outputLength + line.length] = CR;
    this.#output[this.#outputLength + line.length + 1] = LF;
    this.#outputLength += line.length + 2;
  }

  /**
   * Writes what was appended, in one go. Never rejects: a peer that is gone shows in what is read from it, where its
   * last words may still be.
   */
  async flush(): Promise<void> {
    const output = this.#output;
    const length = this.#outputLength;
    if (length === 0) return;
    this.#output = noOutput;
    this.#outputLength = 0;
    await this.write(output.subarray(0, length));
    // A write that failed may still be reading it.
    const spare = this.#writable && output.length === OUTPUT_BYTES && spareOutputs.length < MAX_SPARE_OUTPUTS;
    if (spare) spareOutputs.push(output);
  }

  /** Writes bytes that don't change until it resolves. Never rejects, as `flush`. */
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#writable) return;
    try {
      await this.connection.write(bytes);
    } catch (error) {
      this.#writable = false;
      if (hasCode(error, "timeout")) this.#lose("timeout");
      else if (!(error instanceof MailteeError)) throw error;
    }
  }

  /** Starts to wait for more, unless it already does; the bell tells. */
  listen(): void {
    if (this.#loss === null) this.#listening ??= this.connection.fill().then(this.#onFill, this.#onFailure);
  }

  /** Waits until more has come in; false where nothing more will. */
  async more(): Promise<boolean> {
    this.listen();
    await this.#listening;
    return this.#loss === null;
  }

  /** Writes what was appended, gives the peer a moment to read it, and closes. Never rejects. */
  async farewell(): Promise<void> {
    this.allow(FAREWELL_MS);
    await this.flush();
    if (this.#writable) await closeAfterLastWords(this.connection, FAREWELL_MS);
    this.cut();
  }

  /** Closes the connection at once. */
  cut(): void {
    this.#writable = false;
    this.connection.close();
    this.#lose("closed");
  }

  readonly #onFill = (grown: boolean): void => {
    this.#listening = null;
    if (grown) this.#bell.ring();
    else this.#lose("closed");
  };

  readonly #onFailure = (error: unknown): void => {
    this.#listening = null;
    this.#lose(hasCode(error, "timeout") ? "timeout" : "closed");
  };

  #lose(loss: LegLoss): void {
    this.#loss ??= loss;
    this.#bell.ring();
  }

  #reserve(count: number): void {
    const needed = this.#outputLength + count;
    if (needed <= this.#output.length) return;
    const spare = needed <= OUTPUT_BYTES ? spareOutputs.pop() : undefined;
    const larger = spare ?? new Uint8Array(Math.max(needed, this.#output.length * 2, OUTPUT_BYTES));
    larger.set(this.#output.subarray(0, this.#outputLength));
    this.#output = larger;
  }
}

/** What came of waiting for a reply. */
export type ReplyWait =
  | { readonly kind: "reply"; readonly reply: Reply }
  | { readonly kind: "lost"; readonly loss: TargetLoss };

/** Waits for the target's next whole reply, at most `ms`. The reply's bytes are its own. */
export async function readReply(target: Leg, ms: number): Promise<ReplyWait> {
  target.allow(ms);
  for (;;) {
    const scan = takeReply(target.buffered);
    if (scan.kind === "malformed") return { kind: "lost", loss: "malformed" };
    if (scan.kind === "reply") {
      const reply: Reply = { code: scan.reply.code, bytes: scan.reply.bytes.slice() };
      target.connection.consume(scan.consumed);
      return { kind: "reply", reply };
    }
    if (!(await target.more())) return { kind: "lost", loss: target.loss ?? "closed" };
  }
}
