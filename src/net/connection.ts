import { MailteeError } from "../base/errors.ts";
import { formatAddress, socketAddress } from "./address.ts";
import { type Deadlined, type DeadlineSweeper, processDeadlines } from "./deadlines.ts";
import { InputBuffer } from "./input_buffer.ts";
import { connectionError } from "./socket_error.ts";
import { handshakeError, type TlsRole } from "./tls_error.ts";
import { TlsTransport } from "./tls_transport.ts";
import { TcpTransport, type Transport } from "./transport.ts";
import type { ClientTlsOptions, Connection, ServerTlsOptions, SocketAddress, TlsInfo } from "./types.ts";
import { WriteQueue } from "./write_queue.ts";

/** Enough for most lines; each session that waits holds so much twice. */
const INITIAL_READ_BYTES = 512;

type Received = number | Uint8Array<ArrayBuffer> | null;

/**
 * A `Connection` over a TCP socket of Deno's, which it owns from now on. At most one read is under way, and it outlives
 * a deadline: what it gives is kept for the next `fill`.
 */
export class TcpConnection implements Connection, Deadlined {
  readonly local: SocketAddress;
  #remote: SocketAddress;
  readonly #deadlines: DeadlineSweeper;
  readonly #input = new InputBuffer();
  readonly #describe = (error: unknown): MailteeError => connectionError(error, formatAddress(this.remote));
  readonly #tcp: TcpTransport;
  #transport: Transport;
  readonly #writes: WriteQueue;
  #readBytes = INITIAL_READ_BYTES;
  #tls: TlsInfo | null = null;
  #deadline = Infinity;
  /** The `fill` that callers wait for. */
  #filling: PromiseWithResolvers<boolean> | null = null;
  #reading = false;
  #handshaking: PromiseWithResolvers<never> | null = null;
  /** While the end of the stream is being sent. */
  #ending: PromiseWithResolvers<never> | null = null;
  /** What a read gave after its `fill` had timed out. */
  #late: { readonly received: Received } | null = null;
  #ended = false;
  #closed = false;
  /** Makes the error of all reads to come. One that nobody hears of isn't made: it would cost its stack. */
  #readFailure: (() => MailteeError) | null = null;

  /** Throws MailteeError "connection-lost", and closes the socket, where the peer has gone already. */
  constructor(tcp: Deno.TcpConn, options: { readonly deadlines?: DeadlineSweeper } = {}) {
    this.#remote = socketAddress(tcp.remoteAddr);
    this.local = socketAddress(tcp.localAddr);
    this.#deadlines = options.deadlines ?? processDeadlines;
    this.#transport = this.#tcp = new TcpTransport(tcp);
    this.#writes = new WriteQueue((bytes) => this.#transport.write(bytes), this.#describe);
    try {
      tcp.setNoDelay(true);
    } catch (error) {
      tcp.close();
      throw this.#describe(error);
    }
  }

  get remote(): SocketAddress {
    return this.#remote;
  }

  get tls(): TlsInfo | null {
    return this.#tls;
  }

  /** The certificate that the server showed in the client role, DER; null otherwise. */
  get peerCertificate(): Uint8Array<ArrayBuffer> | null {
    return this.#transport instanceof TlsTransport ? this.#transport.peerCertificate() : null;
  }

  get buffered(): Uint8Array {
    return this.#input.bytes;
  }

  /** When `fill` and `write` time out, in the sweeper's time; Infinity for never. */
  get deadline(): number {
    return this.#deadline;
  }

  consume(count: number): void {
    this.#input.consume(count);
  }

  detach(count: number): void {
    this.#input.detach(count);
  }

  setReadSize(bytes: number): void {
    this.#readBytes = bytes;
  }

  setDeadline(ms: number | null): void {
    if (ms === null || this.#closed) {
      this.#deadline = Infinity;
    } else {
      this.#deadline = this.#deadlines.now() + ms;
      this.#deadlines.watch(this);
    }
  }

  /** For the sweeper: the deadline has passed. */
  expire(): void {
    const peer = formatAddress(this.remote);
    this.#handshaking?.reject(new MailteeError("timeout", `${peer} did not finish the TLS handshake in time`));
    this.#rejectFill(() => new MailteeError("timeout", `${peer} sent nothing in time`));
    const untaken = () => new MailteeError("timeout", `${peer} did not take what was sent in time`);
    if (this.#writes.busy) this.#writes.fail(untaken);
    this.#ending?.reject(untaken());
  }

  fill(): Promise<boolean> {
    if (this.#filling !== null) return this.#filling.promise;
    if (this.#readFailure !== null) return Promise.reject(this.#readFailure());
    if (this.#ended) return Promise.resolve(false);
    if (this.#handshaking !== null) return Promise.reject(handshakeUnderWay());
    if (this.#late !== null) {
      const { received } = this.#late;
      this.#late = null;
      return Promise.resolve(this.#take(received));
    }
    this.#filling = Promise.withResolvers();
    if (!this.#reading) {
      this.#reading = true;
      this.#transport.read(this.#room).then(this.#onRead, this.#onReadError);
    }
    return this.#filling.promise;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#handshaking !== null) return Promise.reject(handshakeUnderWay());
    return this.#writes.write(bytes);
  }

  startServerTls(options: ServerTlsOptions): Promise<number> {
    return this.#upgrade("server", (tcp) => TlsTransport.accept(tcp, () => this.#readBytes, options));
  }

  startClientTls(options: ClientTlsOptions): Promise<number> {
    return this.#upgrade("client", (tcp) => TlsTransport.connect(tcp, () => this.#readBytes, options));
  }

  async closeWrite(): Promise<void> {
    await this.#writes.drained();
    const aborted = this.#ending ??= Promise.withResolvers<never>();
    try {
      await Promise.race([this.#transport.closeWrite(), aborted.promise]);
    } catch (error) {
      throw this.#describe(error);
    } finally {
      this.#ending = null;
    }
  }

  /** From now on `remote` is this address: that of the client for whom a load balancer has connected. */
  standFor(client: SocketAddress): void {
    this.#remote = client;
  }

  /**
   * Gives back what is buffered, so that a handshake that begins now gets it. Only for bytes that are known to belong
   * behind what was consumed in clear text; no `fill` may be under way.
   */
  unreadForHandshake(): void {
    this.#tcp.unread(this.#input.bytes.slice());
    this.#input.clear();
  }

  /** Resolves once this side's closed socket is given back to the system, which a write under way can put off. */
  released(): Promise<void> {
    return this.#tcp.released();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deadline = Infinity;
    this.#deadlines.unwatch(this);
    this.#transport.close();
    const closed = () =>
      new MailteeError("connection-lost", `the connection to ${formatAddress(this.remote)} was closed`);
    this.#writes.fail(closed);
    this.#handshaking?.reject(closed());
    this.#ending?.reject(closed());
    this.#failReads(closed);
  }

  readonly #room = (): Uint8Array => this.#input.room(this.#readBytes);

  readonly #onRead = (received: Received): void => {
    this.#reading = false;
    const filling = this.#takeFilling();
    if (filling === null) this.#late = { received };
    else filling.resolve(this.#take(received));
  };

  readonly #onReadError = (error: unknown): void => {
    this.#reading = false;
    this.#failReads(() => this.#describe(error));
  };

  /** Puts what a read gave into the input; false where it was the end. */
  #take(received: Received): boolean {
    if (received === null) this.#ended = true;
    else if (typeof received === "number") this.#input.grow(received);
    else this.#input.append(received);
    return received !== null;
  }

  #takeFilling(): PromiseWithResolvers<boolean> | null {
    const filling = this.#filling;
    this.#filling = null;
    return filling;
  }

  #rejectFill(failure: () => MailteeError): void {
    const filling = this.#takeFilling();
    if (filling === null) return;
    // Whoever asked may have turned to something else by now; that is no unhandled rejection.
    filling.promise.catch(() => {});
    filling.reject(failure());
  }

  #failReads(failure: () => MailteeError): void {
    this.#readFailure ??= failure;
    this.#rejectFill(this.#readFailure);
  }

  async #upgrade(role: TlsRole, shakeHands: (tcp: TcpTransport) => Promise<TlsTransport>): Promise<number> {
    if (this.#tls !== null) throw new Error("TLS is on already");
    if (this.#reading || this.#writes.busy) throw new Error("TLS can't start while a read or a write is under way");
    if (this.#readFailure !== null) throw this.#readFailure();
    let discarded = this.#input.clear();
    if (typeof this.#late?.received === "number") discarded += this.#late.received;
    if (this.#late?.received === null) this.#ended = true;
    this.#late = null;
    const aborted = this.#handshaking = Promise.withResolvers<never>();
    try {
      const transport = await Promise.race([shakeHands(this.#tcp), aborted.promise]);
      this.#transport = transport;
      this.#tls = transport.info;
      return discarded;
    } catch (error) {
      this.close();
      throw handshakeError(error, formatAddress(this.remote), role);
    } finally {
      this.#handshaking = null;
    }
  }
}

/** What is read or written in a handshake would be in the clear. */
function handshakeUnderWay(): Error {
  return new Error("a TLS handshake is under way");
}
