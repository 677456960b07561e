import tls from "node:tls";
import { TcpStream } from "./tcp_stream.ts";
import { checkPeer, clientOptions, serverContext } from "./tls_context.ts";
import type { TcpTransport, Transport } from "./transport.ts";
import type { ClientTlsOptions, ServerTlsOptions, TlsInfo } from "./types.ts";

/** How much clear text is encrypted at a time: four records, so that memory stays bounded. */
const WRITE_BYTES = 65_536;

type Reader = PromiseWithResolvers<Uint8Array<ArrayBuffer> | null>;

/** TLS over TCP by node:tls, in either role. */
export class TlsTransport implements Transport {
  readonly #stream: TcpStream;
  readonly #socket: tls.TLSSocket;
  readonly #handshake = Promise.withResolvers<void>();
  #reader: Reader | null = null;
  #ended = false;
  #failure: Error | null = null;

  private constructor(stream: TcpStream, socket: tls.TLSSocket) {
    this.#stream = stream;
    this.#socket = socket;
    socket.on("readable", () => this.#serveReader());
    socket.on("end", () => {
      this.#ended = true;
      this.#serveReader();
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(lost("the connection was closed")));
    stream.on("end", () => this.#failHandshake(lost("the other side closed the connection")));
    stream.on("close", () => this.#fail(stream.errored ?? lost("the connection was closed")));
  }

  /** The server's side of a handshake. Rejects with what went wrong, and then the TCP connection is closed. */
  static async accept(
    tcp: TcpTransport,
    readBytes: () => number,
    options: ServerTlsOptions,
  ): Promise<TlsTransport> {
    const stream = new TcpStream(tcp, readBytes);
    const socket = new tls.TLSSocket(stream, { isServer: true, secureContext: serverContext(options) });
    const transport = new TlsTransport(stream, socket);
    socket.once("secure", () => transport.#handshake.resolve());
    await transport.#handshake.promise;
    return transport;
  }

  /** The client's side of a handshake, with the same care; rejects with MailteeError "tls" where trust is missing. */
  static async connect(
    tcp: TcpTransport,
    readBytes: () => number,
    options: ClientTlsOptions,
  ): Promise<TlsTransport> {
    const stream = new TcpStream(tcp, readBytes);
    const socket = tls.connect({ ...clientOptions(options), socket: stream });
    const transport = new TlsTransport(stream, socket);
    socket.once("secureConnect", () => transport.#handshake.resolve());
    await transport.#handshake.promise;
    try {
      checkPeer(socket, options);
    } catch (error) {
      transport.close();
      throw error;
    }
    return transport;
  }

  get info(): TlsInfo {
    return { version: this.#socket.getProtocol() ?? "", cipher: this.#socket.getCipher().standardName };
  }

  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const chunk = this.#receive();
    if (chunk !== null || this.#ended) return Promise.resolve(chunk);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    const part = bytes.length > WRITE_BYTES ? bytes.subarray(0, WRITE_BYTES) : bytes;
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      this.#socket.write(part, (error) => error ? reject(error) : resolve(part.length));
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      this.#socket.end(resolve);
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#stream.destroy();
  }

  #receive(): Uint8Array<ArrayBuffer> | null {
    const chunk: Uint8Array<ArrayBuffer> | null = this.#socket.read();
    return chunk === null ? null : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
  }

  #serveReader(): void {
    if (this.#reader === null) return;
    const chunk = this.#receive();
    if (chunk === null && !this.#ended) return;
    this.#reader.resolve(chunk);
    this.#reader = null;
  }

  #failHandshake(error: Error): void {
    this.#handshake.promise.catch(() => {});
    this.#handshake.reject(error);
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#failHandshake(error);
    this.#reader?.reject(error);
    this.#reader = null;
    this.#stream.destroy();
  }
}

function lost(message: string): Error {
  return new Deno.errors.ConnectionReset(message);
}
