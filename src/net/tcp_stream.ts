import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { TcpTransport } from "./transport.ts";

/** A slab is given up when less than this is left of it. */
const MIN_ROOM_BYTES = 512;

/**
 * A TCP connection as a node stream, for node:tls to work on. It reads only when the TLS layer asks, so that a peer
 * that isn't read is held back, and it never emits `error`: `destroy` keeps the error for whoever made the stream.
 */
export class TcpStream extends Duplex {
  readonly #transport: TcpTransport;
  readonly #readBytes: () => number;
  /** Memory for the next reads. What was read stays in it until the TLS layer has decrypted it. */
  #slab = new Uint8Array(0);
  #used = 0;

  /** @param readBytes how much one read takes at most, asked before every read */
  constructor(transport: TcpTransport, readBytes: () => number) {
    super({ allowHalfOpen: true });
    this.#transport = transport;
    this.#readBytes = readBytes;
    this.on("error", () => {});
  }

  override _read(): void {
    this.#transport.read(this.#room).then(this.#onRead, this.#onError);
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#transport.write(chunk).then((count) => {
      if (count === chunk.length) done();
      else this._write(chunk.subarray(count), _encoding, done);
    }, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#transport.closeWrite().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#transport.close();
    done(error);
  }

  readonly #room = (): Uint8Array => {
    const size = Math.max(this.#readBytes(), MIN_ROOM_BYTES);
    if (size !== this.#slab.length || this.#slab.length - this.#used < MIN_ROOM_BYTES) {
      this.#slab = new Uint8Array(size);
      this.#used = 0;
    }
    return this.#slab.subarray(this.#used);
  };

  readonly #onRead = (count: number | null): void => {
    if (count === null) {
      this.push(null);
      return;
    }
    const start = this.#used;
    this.#used += count;
    this.push(Buffer.from(this.#slab.buffer, start, count));
  };

  readonly #onError = (error: unknown): void => {
    this.destroy(error instanceof Error ? error : new Error(String(error)));
  };
}
