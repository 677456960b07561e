import { type Clock, systemClock } from "../base/clock.ts";
import { errorText, hasCode } from "../base/errors.ts";
import { type Logger, roomLogger } from "../base/log.ts";
import { acceptLoop } from "./accept_loop.ts";
import { formatAddress, socketAddress } from "./address.ts";
import { Admission, type AdmissionRules, type Refusal } from "./admission.ts";
import { TcpConnection } from "./connection.ts";
import { closeAfterLastWords } from "./farewell.ts";
import { listenError } from "./listen_error.ts";
import { introduceClient } from "./client_introduction.ts";
import type { Connection, ListenOptions, SocketAddress } from "./types.ts";

const REFUSAL_MS = 2000;
/** With more refusals under way than these, a connection is closed without a word. */
const MAX_REFUSALS = 100;

export interface ListenerOptions extends AdmissionRules {
  /** Where to listen; the limits are for all of them together. */
  readonly listen: readonly ListenOptions[];
  /** Time limit for the handshake of implicit TLS, and for the PROXY header of a load balancer. */
  readonly handshakeTimeoutMs: number;
}

/** What a protocol does with connections. */
export interface Sessions {
  /**
   * Serves one connection, after the handshake where TLS is implicit. The listener closes the connection when the
   * promise settles and counts it until then. A rejection is logged as an error of the program.
   */
  start(connection: Connection, listen: ListenOptions): Promise<void>;
  /**
   * Writes the protocol's own refusal; the listener closes the connection. Not asked under implicit TLS, where a
   * refusal isn't worth a handshake, nor when very many are refused at once.
   */
  refuse(connection: Connection, reason: Refusal): Promise<void>;
}

/** Listening sockets and the connections that came from them. */
export interface Listener {
  /** The bound addresses, in the order of `listen`; a port of 0 is the chosen one here. */
  readonly addresses: readonly SocketAddress[];
  /** Open connections, those in the handshake included, and how many were refused so far. */
  connections(): { readonly open: number; readonly refused: number };
  /**
   * New connections are served so from now on, without closing a socket. Throws where `listen` has other addresses or
   * ports than before.
   */
  update(options: ListenerOptions, sessions: Sessions): void;
  /**
   * Accepts no more; the ports are free once it resolves. Open connections go on. Never rejects, and is safe to call
   * more than once.
   */
  stop(): Promise<void>;
  /** Resolves as soon as no connection is open. */
  idle(): Promise<void>;
  /** Closes all open connections at once. */
  closeAll(): void;
}

/**
 * Listens on all addresses or on none. Throws MailteeError "busy" where a port is taken, "config" where the address
 * isn't this machine's or the account may not listen there.
 */
export function startListener(
  options: ListenerOptions,
  sessions: Sessions,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Listener {
  return new TcpListener(options, sessions, clock);
}

class TcpListener implements Listener {
  readonly addresses: readonly SocketAddress[];
  readonly #sockets: readonly Deno.TcpListener[];
  readonly #loops: readonly Promise<void>[];
  readonly #stopped = new AbortController();
  readonly #admission = new Admission();
  readonly #open = new Set<TcpConnection>();
  readonly #log: Logger = roomLogger("net");
  #options: ListenerOptions;
  #sessions: Sessions;
  #refused = 0;
  /** Connections of load balancers that haven't said so far for whom. */
  #nameless = 0;
  #refusing = 0;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(options: ListenerOptions, sessions: Sessions, clock: Clock) {
    this.#options = options;
    this.#sessions = sessions;
    this.#sockets = bindAll(options.listen);
    this.addresses = this.#sockets.map(({ addr }) => socketAddress(addr));
    this.#loops = this.#sockets.map((socket, index) =>
      acceptLoop(socket, { clock, signal: this.#stopped.signal }, (tcp) => this.#accept(tcp, index))
    );
  }

  connections(): { readonly open: number; readonly refused: number } {
    return { open: this.#open.size, refused: this.#refused };
  }

  update(options: ListenerOptions, sessions: Sessions): void {
    const where = ({ listen }: ListenerOptions) => listen.map(({ address, port }) => `${address} ${port}`).join();
    if (where(options) !== where(this.#options)) throw new Error("a listener can't move to other addresses or ports");
    this.#options = options;
    this.#sessions = sessions;
  }

  async stop(): Promise<void> {
    if (!this.#stopped.signal.aborted) {
      this.#stopped.abort();
      for (const socket of this.#sockets) socket.close();
    }
    // The system keeps a port until the accept that waits on it has ended.
    await Promise.all(this.#loops);
  }

  idle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  closeAll(): void {
    for (const connection of this.#open) connection.close();
  }

  #accept(tcp: Deno.TcpConn, index: number): void {
    const listen = this.#options.listen[index];
    const connection = openConnection(tcp);
    if (listen === undefined || connection === null) return;
    if (listen.loadBalancers?.has(connection.remote.address) === true) this.#introduce(connection, listen);
    else this.#admit(connection, listen);
  }

  /** Waits for a load balancer to say for whom it has connected: the rules are for that client. */
  async #introduce(connection: TcpConnection, listen: ListenOptions): Promise<void> {
    this.#open.add(connection);
    const known = this.#nameless < this.#options.maxConnections && await this.#clientIsKnown(connection);
    if (known && !this.#stopped.signal.aborted) return this.#admit(connection, listen);
    this.#refused++;
    connection.close();
    this.#forget(connection);
  }

  async #clientIsKnown(connection: TcpConnection): Promise<boolean> {
    const balancer = formatAddress(connection.remote);
    this.#nameless++;
    try {
      await introduceClient(connection, this.#options.handshakeTimeoutMs);
      return true;
    } catch (error) {
      this.#log.warn("refused a connection of the load balancer {balancer}: {error}", {
        balancer,
        error: errorText(error),
      });
      return false;
    } finally {
      this.#nameless--;
    }
  }

  #admit(connection: TcpConnection, listen: ListenOptions): void {
    const refusal = this.#admission.enter(connection.remote.address, this.#options);
    if (refusal === null) this.#serve(connection, listen);
    else this.#refuse(connection, listen, refusal);
  }

  async #serve(connection: TcpConnection, listen: ListenOptions): Promise<void> {
    const sessions = this.#sessions;
    this.#open.add(connection);
    try {
      if (await this.#secure(connection, listen)) await sessions.start(connection, listen);
    } catch (error) {
      this.#log.error("a session with {client} failed: {error}", {
        client: formatAddress(connection.remote),
        error: errorText(error),
      });
    } finally {
      connection.close();
      this.#forget(connection);
      // The limits are for what the system holds open, which may be longer.
      await connection.released();
      this.#admission.leave(connection.remote.address);
    }
  }

  #forget(connection: TcpConnection): void {
    this.#open.delete(connection);
    if (this.#open.size > 0) return;
    this.#idle?.resolve();
    this.#idle = null;
  }

  /** The handshake of implicit TLS, where there's one; false where it failed. */
  async #secure(connection: TcpConnection, listen: ListenOptions): Promise<boolean> {
    if (listen.tls !== "implicit") return true;
    if (listen.certificate === undefined) throw new Error(`no certificate for ${listen.address}:${listen.port}`);
    connection.setDeadline(this.#options.handshakeTimeoutMs);
    // What is there already came along with a PROXY header.
    connection.unreadForHandshake();
    try {
      await connection.startServerTls(listen.certificate);
    } catch (error) {
      if (!hasCode(error, "tls", "timeout", "connection-lost")) throw error;
      this.#log.info("no session: {error}", { error: errorText(error) });
      return false;
    }
    connection.setDeadline(null);
    return true;
  }

  async #refuse(connection: TcpConnection, listen: ListenOptions, reason: Refusal): Promise<void> {
    this.#refused++;
    this.#forget(connection);
    this.#log.info("refused {client}: {reason}", { client: formatAddress(connection.remote), reason });
    if (listen.tls === "implicit" || this.#refusing >= MAX_REFUSALS || this.#stopped.signal.aborted) {
      connection.close();
      return;
    }
    this.#refusing++;
    connection.setDeadline(REFUSAL_MS);
    try {
      await this.#sessions.refuse(connection, reason);
      await closeAfterLastWords(connection, REFUSAL_MS);
    } catch (error) {
      this.#log.info("the refusal did not reach {client}: {error}", {
        client: formatAddress(connection.remote),
        error: errorText(error),
      });
    } finally {
      connection.close();
      this.#refusing--;
    }
  }
}

/** Null where the client has gone already. */
function openConnection(tcp: Deno.TcpConn): TcpConnection | null {
  try {
    return new TcpConnection(tcp);
  } catch (error) {
    if (!hasCode(error, "connection-lost")) throw error;
    return null;
  }
}

function bindAll(listens: readonly ListenOptions[]): Deno.TcpListener[] {
  const sockets: Deno.TcpListener[] = [];
  try {
    for (const { address, port } of listens) sockets.push(bind({ address, port }));
    return sockets;
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
}

function bind(where: SocketAddress): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: where.address, port: where.port });
  } catch (error) {
    throw listenError(error, where);
  }
}
