import { concatBytes } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import type { Connection, TlsInfo } from "../../../src/net/types.ts";

const TLS: TlsInfo = { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" };

/** One end of a connection without a network: the test is the peer, and decides about every read and write. */
export class MemoryConnection implements Connection {
  readonly remote;
  readonly local = { address: "127.0.0.1", port: 110 };
  tls: TlsInfo | null = null;
  /** The time limit that is in force, in milliseconds. */
  deadlineMs: number | null = null;
  closed = false;
  writeEnded = false;
  /** Thrown by the next writes. */
  writeFailure: MailteeError | null = null;
  /** Writes wait for this. */
  writeGate: Promise<void> = Promise.resolve();
  /** The largest piece that was written. */
  largestWrite = 0;
  #input = new Uint8Array(0);
  #inputEnded = false;
  #readFailure: MailteeError | null = null;
  #filling: PromiseWithResolvers<boolean> | null = null;
  /** Pieces that each `fill` gives one of. */
  readonly #incoming: Uint8Array[] = [];
  #unread = "";
  #watchers: (() => void)[] = [];

  constructor(port: number) {
    this.remote = { address: "192.0.2.1", port };
  }

  get buffered(): Uint8Array {
    return this.#input;
  }

  consume(count: number): void {
    if (count > this.#input.length) throw new RangeError("consumed more than there is");
    this.#input = this.#input.subarray(count);
  }

  detach(count: number): void {
    this.consume(count);
  }

  fill(): Promise<boolean> {
    if (this.#filling !== null) return this.#filling.promise;
    this.#filling = Promise.withResolvers();
    const { promise } = this.#filling;
    this.#serve();
    return promise;
  }

  setDeadline(ms: number | null): void {
    this.deadlineMs = ms;
  }

  setReadSize(): void {}

  async write(bytes: Uint8Array): Promise<void> {
    if (this.closed) throw new MailteeError("connection-lost", "closed");
    if (this.writeFailure !== null) throw this.writeFailure;
    this.largestWrite = Math.max(this.largestWrite, bytes.length);
    await this.writeGate;
    this.#unread += textOf(bytes);
    this.#notify();
  }

  startServerTls(): Promise<number> {
    if (this.#filling !== null) throw new Error("a fill is under way");
    const discarded = this.#input.length;
    this.#input = new Uint8Array(0);
    this.tls = TLS;
    return Promise.resolve(discarded);
  }

  startClientTls(): Promise<number> {
    return this.startServerTls();
  }

  closeWrite(): Promise<void> {
    this.writeEnded = true;
    this.#notify();
    return Promise.resolve();
  }

  close(): void {
    this.closed = true;
    this.#readFailure ??= new MailteeError("connection-lost", "closed");
    this.#serve();
    this.#notify();
  }

  /** The peer sends pieces; each is read by a `fill` of its own. */
  send(...pieces: (string | Uint8Array)[]): void {
    for (const piece of pieces) this.#incoming.push(typeof piece === "string" ? bytesOf(piece) : piece);
    this.#serve();
  }

  /** Pieces that were sent and not yet read. */
  get waitingPieces(): number {
    return this.#incoming.length;
  }

  /** The peer sends no more. */
  sendEnd(): void {
    this.#inputEnded = true;
    this.#serve();
  }

  /** The peer is gone. */
  reset(): void {
    this.#readFailure = new MailteeError("connection-lost", "reset");
    this.writeFailure = this.#readFailure;
    this.#serve();
  }

  /** The deadline passes. */
  expire(): void {
    if (this.deadlineMs === null) throw new Error("there is no deadline");
    this.#readFailure = new MailteeError("timeout", "nothing in time");
    this.#serve();
  }

  /** What was written and not yet taken by `received`, one character an octet. */
  get unread(): string {
    return this.#unread;
  }

  /** Waits until `text` is what was written since the last call; rejects where it's something else. */
  async received(text: string): Promise<void> {
    while (this.#unread.length < text.length && text.startsWith(this.#unread) && !this.closed) await this.#change();
    if (!this.#unread.startsWith(text)) {
      throw new Error(`expected ${JSON.stringify(text)}, got ${JSON.stringify(this.#unread)}`);
    }
    this.#unread = this.#unread.slice(text.length);
  }

  /** Waits until something was written or the connection is closed, and gives all that was written. */
  async taken(): Promise<string> {
    while (this.#unread === "" && !this.closed) await this.#change();
    const text = this.#unread;
    this.#unread = "";
    return text;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  #notify(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }

  #serve(): void {
    const filling = this.#filling;
    if (filling === null) return;
    const next = this.#incoming.shift();
    if (next === undefined && this.#readFailure === null && !this.#inputEnded) return;
    this.#filling = null;
    if (next !== undefined) {
      this.#input = concatBytes([this.#input, next]);
      filling.resolve(true);
    } else if (this.#readFailure !== null) {
      filling.reject(this.#readFailure);
    } else {
      filling.resolve(false);
    }
  }
}

/** One octet a character; characters up to U+00FF. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The reverse of `bytesOf`. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 4096) {
    text += String.fromCharCode(...bytes.subarray(start, start + 4096));
  }
  return text;
}
