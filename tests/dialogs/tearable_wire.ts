import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** How long what is under way may take to be passed on, in turns of a millisecond. */
const FLUSH_TURNS = 20;

/** Passes connections on to a port of this machine until it is torn: then the proxy's side of it is reset (RST, not FIN). */
export class TearableWire {
  readonly port: number;
  readonly #server: Server;
  readonly #proxyIs: "caller" | "called";
  readonly #sockets = new Set<Socket>();
  readonly #proxySides: Socket[] = [];

  private constructor(server: Server, port: number, proxyIs: "caller" | "called") {
    this.#server = server;
    this.port = port;
    this.#proxyIs = proxyIs;
  }

  /** @param proxyIs which side of the wire the proxy is on: the one that connects to it, or the one it connects to */
  static async open(port: number, proxyIs: "caller" | "called"): Promise<TearableWire> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a wire needs a port");
    const wire = new TearableWire(server, address.port, proxyIs);
    server.on("connection", (caller) => wire.#pass(caller, connect(port, "127.0.0.1")));
    return wire;
  }

  /** Resets the proxy's connection once all that was sent to it has been passed on. */
  async tear(): Promise<void> {
    for (let turn = 0; turn < FLUSH_TURNS; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const socket of this.#proxySides) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = [...this.#sockets].map((socket) => socket.closed ? undefined : once(socket, "close"));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(caller: Socket, called: Socket): void {
    this.#proxySides.push(this.#proxyIs === "caller" ? caller : called);
    for (const [from, to] of [[caller, called], [called, caller]] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      // The other end learns of a reset by an orderly end: it is a part of the test.
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  }
}
