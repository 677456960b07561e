import tls from "node:tls";
import { TcpStream } from "./tcp_stream.ts";
import { checkPeer, clientOptions, peerCertificate, serverContext } from "./tls_context.ts";
import type { TcpTransport, Transport } from "./transport.ts";
import type { ClientTlsOptions, ServerTlsOptions, TlsInfo } from "./types.ts";

/** How much clear text is encrypted at a time: four records, so that memory stays bounded. */
const WRITE_BYTES = 65_536;

/** TLS over TCP by node:tls, in either role. */
export class TlsTransport implements Transport {
  readonly #stream: TcpStream;
  readonly #socket: tls.TLSSocket;
  readonly #handshake = Promise.withResolvers<void>();
  #established = false;
  #reader: PromiseWithResolvers<Uint8Array<ArrayBuffer> | null> | null = null;
  #ended = false;
  /** Makes the error of all that comes. One that nobody hears of isn't made: it would cost its stack. */
  #failure: (() => Error) | null = null;

  private constructor(
    tcp: TcpTransport,
    readBytes: () => number,
    wrap: (stream: TcpStream) => tls.TLSSocket,
  ) {
    const stream = new TcpStream(tcp, { readBytes, wants: () => this.#reader !== null || !this.#established });
    const socket = wrap(stream);
    socket.on("readable", () => this.#serveReader());
    socket.on("end", () => {
      this.#ended = true;
      this.#serveReader();
    });
    const onClose = () => this.#fail(() => stream.errored ?? closed());
    socket.on("error", (error) => this.#fail(() => error));
    socket.on("close", onClose);
    stream.on("close", onClose);
    stream.on("end", () => {
      if (!this.#established) onClose();
    });
    this.#stream = stream;
    this.#socket = socket;
  }

  /** The server's side of a handshake. Rejects with what went wrong, and then the TCP connection is closed. */
  static async accept(tcp: TcpTransport, readBytes: () => number, options: ServerTlsOptions): Promise<TlsTransport> {
    const secureContext = serverContext(options);
    const transport = new TlsTransport(
      tcp,
      readBytes,
      (stream) => new tls.TLSSocket(stream, { isServer: true, secureContext }),
    );
    await transport.#shakeHands("secure");
    return transport;
  }

  /** The client's side of a handshake, with the same care; rejects with MailteeError "tls" where trust is missing. */
  static async connect(tcp: TcpTransport, readBytes: () => number, options: ClientTlsOptions): Promise<TlsTransport> {
    const transport = new TlsTransport(
      tcp,
      readBytes,
      (stream) => tls.connect({ ...clientOptions(options), socket: stream }),
    );
    await transport.#shakeHands("secureConnect");
    try {
      checkPeer(transport.#socket, options);
    } catch (error) {
      transport.close();
      throw error;
    }
    return transport;
  }

  get info(): TlsInfo {
    return { version: this.#socket.getProtocol() ?? "", cipher: this.#socket.getCipher().standardName };
  }

  /** The peer's certificate, DER; null where it showed none. */
  peerCertificate(): Uint8Array<ArrayBuffer> | null {
    return peerCertificate(this.#socket);
  }

  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const chunk = this.#receive();
    if (chunk !== null || this.#ended) return Promise.resolve(chunk);
    if (this.#failure !== null) return Promise.reject(this.#failure());
    const reader = this.#reader = Promise.withResolvers();
    this.#stream.pump();
    return reader.promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    const part = bytes.length > WRITE_BYTES ? bytes.subarray(0, WRITE_BYTES) : bytes;
    return new Promise((resolve, reject) => {
      const broken = this.#broken;
      if (broken !== null) return reject(broken);
      this.#socket.write(part, (error) => {
        const failure = error ?? this.#broken;
        if (failure === null) resolve(part.length);
        else reject(failure);
      });
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve, reject) => {
      const broken = this.#broken;
      if (broken !== null) return reject(broken);
      this.#socket.end(resolve);
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#stream.destroy();
  }

  /** Why nothing more can be written; null while it can. */
  get #broken(): Error | null {
    return this.#failure?.() ?? this.#stream.writeFailure;
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

  /** @param event what the socket emits in its role once the handshake is done */
  #shakeHands(event: "secure" | "secureConnect"): Promise<void> {
    this.#socket.once(event, () => {
      this.#established = true;
      this.#handshake.resolve();
    });
    return this.#handshake.promise;
  }

  #fail(failure: () => Error): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    if (!this.#established) this.#handshake.reject(failure());
    this.#reader?.reject(failure());
    this.#reader = null;
    this.close();
  }
}

function closed(): Error {
  return new Deno.errors.UnexpectedEof("the connection was closed");
}
