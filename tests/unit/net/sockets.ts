import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { decodeLatin1 } from "../../../src/base/bytes.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { DeadlineSweeper } from "../../../src/net/deadlines.ts";
import type { Connection } from "../../../src/net/types.ts";

/** Deadlines whose time passes when a test says so. */
export class TestDeadlines extends DeadlineSweeper {
  readonly #time: { nowMs: number; sweep: (() => void) | null };

  constructor() {
    const time: { nowMs: number; sweep: (() => void) | null } = { nowMs: 0, sweep: null };
    super({
      monotonicMs: () => time.nowMs,
      repeat: (sweep) => {
        time.sweep = sweep;
        return () => time.sweep = null;
      },
    });
    this.#time = time;
  }

  /** True while the sweeper has itself woken. */
  get running(): boolean {
    return this.#time.sweep !== null;
  }

  pass(ms: number): void {
    this.#time.nowMs += ms;
    this.#time.sweep?.();
  }
}

/** Two ends of a TCP connection over loopback: [client, server]. */
export async function rawPair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
}

/** A connection under test, its socket and its deadlines, and the bare socket at its other end. */
export interface ConnectionAndPeer extends Disposable {
  readonly connection: TcpConnection;
  readonly tcp: Deno.TcpConn;
  readonly deadlines: TestDeadlines;
  readonly peer: Deno.TcpConn;
}

export async function connectionAndPeer(): Promise<ConnectionAndPeer> {
  const [peer, tcp] = await rawPair();
  const deadlines = new TestDeadlines();
  const connection = new TcpConnection(tcp, { deadlines });
  return {
    connection,
    tcp,
    deadlines,
    peer,
    [Symbol.dispose]() {
      connection.close();
      closeQuietly(peer);
    },
  };
}

/** Closes a socket that a test may have closed already. */
export function closeQuietly(tcp: Deno.TcpConn): void {
  try {
    tcp.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** A connection under test whose peer can reset it. */
export async function connectionAndResettingPeer(): Promise<{ connection: TcpConnection; peer: Socket }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const peer = connect(listener.addr.port, "127.0.0.1");
  const [tcp] = await Promise.all([listener.accept(), once(peer, "connect")]);
  return { connection: new TcpConnection(tcp), peer };
}

/** Resets a connection (RST, not FIN), and waits until the socket is gone. */
export async function reset(peer: Socket): Promise<void> {
  const closed = once(peer, "close");
  peer.resetAndDestroy();
  await closed;
}

/** All that is buffered, as text; it's consumed. */
export function take(connection: Connection): string {
  const text = decodeLatin1(connection.buffered);
  connection.consume(connection.buffered.length);
  return text;
}

/** The next `count` bytes as text; fewer where the stream ends. */
export async function readExactly(connection: Connection, count: number): Promise<string> {
  while (connection.buffered.length < count && await connection.fill());
  const text = decodeLatin1(connection.buffered.subarray(0, count));
  connection.consume(Math.min(count, connection.buffered.length));
  return text;
}

/** How many bytes come until the end of the stream, and a sum over them. */
export async function readToEnd(connection: Connection): Promise<{ length: number; sum: number }> {
  let [length, sum] = [0, 0];
  do {
    for (const byte of connection.buffered) sum = (sum * 31 + byte) >>> 0;
    length += connection.buffered.length;
    connection.consume(connection.buffered.length);
  } while (await connection.fill());
  return { length, sum };
}

export function checksum(bytes: Uint8Array): { length: number; sum: number } {
  let sum = 0;
  for (const byte of bytes) sum = (sum * 31 + byte) >>> 0;
  return { length: bytes.length, sum };
}

/** Resolves after a round of the event loop: what was ready on a socket has been delivered. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
