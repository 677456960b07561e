import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { TcpTransport } from "./transport.ts";

const NONE = new Uint8Array(0);
/** Memory for what is read while an owner wants little; most handshakes fit. */
const MIN_SLAB_BYTES = 2048;
/** A slab is given up when less than this is left of it. */
const MIN_ROOM_BYTES = 512;

/** What a `TcpStream` is told by its owner. */
export interface TcpStreamOptions {
  /** Whether to read on. Asked again by every `pump`. */
  readonly wants: () => boolean;
  /** How much one read takes at most. */
  readonly readBytes: () => number;
}

/**
 * A TCP connection as a node stream, for node:tls to work on. The TLS layer of Deno reads on and on, whether or not
 * what it decrypts is taken; so this stream reads only while its owner wants more, and a peer that isn't read is held
 * back by TCP.
 */
export class TcpStream extends Duplex {
  readonly #transport: TcpTransport;
  readonly #options: TcpStreamOptions;
  /** Memory for the next reads. What was read stays in it until the TLS layer has decrypted it. */
  #slab = NONE;
  #used = 0;
  /** True while the stream's own machinery waits for a `push`. */
  #due = false;
  #reading = false;
  #writeFailure: Error | null = null;

  constructor(transport: TcpTransport, options: TcpStreamOptions) {
    super({ allowHalfOpen: true });
    this.#transport = transport;
    this.#options = options;
    // The owner asks for `errored` when the stream has closed.
    this.on("error", () => {});
  }

  /**
   * Why nothing more can be written; null while it can. The stream's own way to tell would be to destroy itself, and
   * what the peer said last, often the reason, would be lost with it.
   */
  get writeFailure(): Error | null {
    return this.#writeFailure;
  }

  /** Reads on, where that is wanted and wasn't before. */
  pump(): void {
    if (!this.#due || this.#reading || this.destroyed || !this.#options.wants()) return;
    this.#reading = true;
    this.#transport.read(this.#room).then(this.#onRead, this.#onError);
  }

  override _read(): void {
    this.#due = true;
    this.pump();
  }

  override _write(chunk: Buffer, encoding: string, done: () => void): void {
    if (this.#writeFailure !== null) return done();
    this.#transport.write(chunk).then((count) => {
      if (count === chunk.length) done();
      else this._write(chunk.subarray(count), encoding, done);
    }, (error) => {
      this.#writeFailure = error;
      done();
    });
  }

  override _final(done: () => void): void {
    this.#transport.closeWrite().then(done, (error) => {
      this.#writeFailure ??= error;
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#transport.close();
    done(error);
  }

  readonly #room = (): Uint8Array => {
    const size = Math.max(this.#options.readBytes(), MIN_SLAB_BYTES);
    if (size !== this.#slab.length || this.#slab.length - this.#used < MIN_ROOM_BYTES) {
      this.#slab = new Uint8Array(size);
      this.#used = 0;
    }
    return this.#slab.subarray(this.#used);
  };

  readonly #onRead = (count: number | null): void => {
    this.#reading = false;
    this.#due = false;
    if (count === null) {
      this.push(null);
      return;
    }
    const start = this.#used;
    this.#used += count;
    this.push(Buffer.from(this.#slab.buffer, start, count));
  };

  readonly #onError = (error: Error): void => void this.destroy(error);
}
