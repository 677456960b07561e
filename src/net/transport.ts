import { concatBytes } from "../base/bytes.ts";

const NONE = new Uint8Array(0);

/** What a `TcpConnection` moves its bytes over: TCP, or TLS on top of it. */
export interface Transport {
  /**
   * Waits for bytes: how many were put at the beginning of `room`, or a chunk with memory of its own, or null at the
   * peer's orderly end. One call at a time. `room` is called at most once, and only where this needs memory.
   */
  read(room: () => Uint8Array): Promise<number | Uint8Array<ArrayBuffer> | null>;
  /** Writes some of the bytes, at least one, and gives how many. One call at a time. */
  write(bytes: Uint8Array): Promise<number>;
  /** Sends the end of the stream. */
  closeWrite(): Promise<void>;
  /** Gives everything back at once; what is under way rejects. Safe to call more than once. */
  close(): void;
}

/** What of a TCP socket a transport needs. */
export type TcpSocket = Pick<Deno.TcpConn, "read" | "write" | "closeWrite" | "close">;

/** Bytes over TCP as they are. */
export class TcpTransport implements Transport {
  readonly #tcp: TcpSocket;
  #closed = false;
  #unread: Uint8Array = NONE;
  #writing: Promise<unknown> | null = null;

  constructor(tcp: TcpSocket) {
    this.#tcp = tcp;
  }

  read(room: () => Uint8Array): Promise<number | null> {
    if (this.#unread.length === 0) return this.#tcp.read(room());
    const free = room();
    const part = this.#unread.subarray(0, free.length);
    free.set(part);
    this.#unread = this.#unread.subarray(part.length);
    return Promise.resolve(part.length);
  }

  /** Takes back bytes that were read, for the next reads; no read may be under way. */
  unread(bytes: Uint8Array): void {
    this.#unread = concatBytes([bytes, this.#unread]);
  }

  write(bytes: Uint8Array): Promise<number> {
    const writing = this.#tcp.write(bytes);
    this.#writing = writing;
    return writing;
  }

  closeWrite(): Promise<void> {
    return this.#tcp.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tcp.close();
  }

  /**
   * Resolves once a closed connection is given back to the system. Deno keeps it while a write is under way, and a write
   * to a peer that doesn't read ends only when that peer gives up.
   */
  async released(): Promise<void> {
    try {
      await this.#writing;
    } catch {
      return;
    }
  }
}
