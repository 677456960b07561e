import { TcpConnection } from "../../src/net/connection.ts";
import type { ServerTlsOptions } from "../../src/net/types.ts";

/** A client's or an upstream's end of a connection, as `Wire` takes it, which can go over to TLS. */
export class PeerConnection {
  readonly #connection: TcpConnection;

  /** @param limitMs after so long everything that is under way fails with "timeout"; null for never */
  constructor(tcp: Deno.TcpConn, limitMs: number | null = null) {
    this.#connection = new TcpConnection(tcp);
    this.#connection.setDeadline(limitMs);
  }

  get encrypted(): boolean {
    return this.#connection.tls !== null;
  }

  async read(room: Uint8Array): Promise<number | null> {
    if (this.#connection.buffered.length === 0 && !await this.#connection.fill()) return null;
    const part = this.#connection.buffered.subarray(0, room.length);
    room.set(part);
    this.#connection.consume(part.length);
    return part.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#connection.write(bytes);
    return bytes.length;
  }

  async acceptTls(options: ServerTlsOptions): Promise<void> {
    await this.#connection.startServerTls(options);
  }

  /** Takes whatever certificate the other side shows: who it is isn't what these tests are about. */
  async startTls(): Promise<void> {
    await this.#connection.startClientTls({ serverName: "127.0.0.1", trust: { kind: "insecure" } });
  }

  close(): void {
    this.#connection.close();
  }
}
