/** A TCP relay on loopback in which connections meet trouble: a network at its worst, with both ends alive. */

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Who sent a piece: the one who connected to the relay, or the one it is connected to. */
export type Side = "caller" | "called";

/**
 * What happens to a connection.
 *
 * - reset: both sides get a reset.
 * - end: both sides get the end of the stream.
 * - half-end: the other side gets the end of the stream, and nothing more from the side that sent; back everything goes.
 * - silence: nothing is read any more, nothing written, nothing closed.
 * - swallow: everything is read, and nothing passed on.
 * - drip: octets of the side that sent pass a few at a time, with pauses.
 */
export type Trouble = "reset" | "end" | "half-end" | "silence" | "swallow" | "drip";

/** What a connection is to meet. */
export interface Plan {
  readonly trouble: Trouble;
  /** How many octets of a piece still pass before the trouble begins; null where it doesn't begin in this piece. */
  readonly begins: (from: Side, piece: Uint8Array) => number | null;
}

/** So few octets pass at a time where they drip. */
const DROP_BYTES = 4;

export interface RelayOptions {
  /** Port on 127.0.0.1 where connections are passed on to; null for a service that is down: connections are reset. */
  readonly to: () => number | null;
  /** Asked for each connection; null for one without trouble. */
  readonly plan: () => Plan | null;
  /** @default 10 */
  readonly dripPauseMs?: number;
  /** So many octets drip before the rest flows again. @default all */
  readonly dripBytes?: number;
}

export interface FaultyRelay {
  readonly port: number;
  /** How many connections met their trouble. */
  struck(): number;
  /** Sockets that the relay holds. */
  open(): number;
  /** Resets everything that is open. */
  release(): void;
  close(): Promise<void>;
}

export async function openFaultyRelay(options: RelayOptions): Promise<FaultyRelay> {
  const open = new Set<Socket>();
  let struck = 0;
  const own = (socket: Socket) => {
    open.add(socket);
    socket.setNoDelay();
    socket.on("error", () => {}).on("close", () => open.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (caller) => {
    own(caller);
    const port = options.to();
    if (port === null) return void caller.resetAndDestroy();
    const called = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    own(called);
    new RelayedPair(caller, called, options, () => struck++).start();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  const release = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    port: address.port,
    struck: () => struck,
    open: () => open.size,
    release,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      release();
      await closed;
    },
  };
}

/** Both halves of a relayed connection. */
class RelayedPair {
  readonly #caller: Socket;
  readonly #called: Socket;
  readonly #options: RelayOptions;
  readonly #plan: Plan | null;
  readonly #onStrike: () => void;
  #trouble: Trouble | null = null;
  /** With whose octets the trouble began. */
  #origin: Side | null = null;
  #dripped = 0;
  #dripping = Promise.resolve();

  constructor(caller: Socket, called: Socket, options: RelayOptions, onStrike: () => void) {
    this.#caller = caller;
    this.#called = called;
    this.#options = options;
    this.#plan = options.plan();
    this.#onStrike = onStrike;
  }

  start(): void {
    this.#pump("caller", this.#caller, this.#called);
    this.#pump("called", this.#called, this.#caller);
  }

  #pump(side: Side, from: Socket, to: Socket): void {
    from.on("data", (piece: Uint8Array) => this.#pass(side, piece, from, to));
    const unlessSilent = (end: () => void) => () => {
      if (this.#trouble !== "silence") end();
    };
    from.on("end", unlessSilent(() => void this.#dripping.then(() => to.end())));
    from.on("error", unlessSilent(() => to.resetAndDestroy()));
    from.on("close", unlessSilent(() => to.destroySoon()));
  }

  #pass(side: Side, piece: Uint8Array, from: Socket, to: Socket): void {
    const left = this.#trouble === null ? this.#plan?.begins(side, piece) ?? null : null;
    if (left === null) return this.#passOn(side, piece, from, to);
    this.#passOn(side, piece.subarray(0, left), from, to);
    this.#strike(side, to);
    this.#passOn(side, piece.subarray(left), from, to);
  }

  #passOn(side: Side, piece: Uint8Array, from: Socket, to: Socket): void {
    if (piece.length === 0 || !to.writable) return;
    if (this.#trouble === "swallow" || this.#trouble === "silence") return;
    if (this.#trouble === "half-end" && this.#origin === side) return;
    const { dripBytes = Infinity } = this.#options;
    const drips = this.#trouble === "drip" && this.#origin === side && this.#dripped < dripBytes;
    if (drips) this.#dripping = this.#dripping.then(() => this.#drip(piece, from, to));
    else if (!to.write(piece)) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  }

  #strike(side: Side, to: Socket): void {
    const both = [this.#caller, this.#called];
    this.#trouble = this.#plan?.trouble ?? null;
    this.#origin = side;
    this.#onStrike();
    switch (this.#trouble) {
      case "reset":
        for (const socket of both) socket.resetAndDestroy();
        break;
      case "end":
        for (const socket of both) socket.destroySoon();
        break;
      case "half-end":
        to.end();
        break;
      case "silence":
        for (const socket of both) socket.pause();
        break;
    }
  }

  /** Passes a piece in drops; what comes behind it waits. */
  async #drip(piece: Uint8Array, from: Socket, to: Socket): Promise<void> {
    const { dripPauseMs = 10, dripBytes = Infinity } = this.#options;
    from.pause();
    let at = 0;
    for (; at < piece.length && this.#dripped < dripBytes && to.writable; at += DROP_BYTES) {
      to.write(piece.subarray(at, at + DROP_BYTES));
      this.#dripped += DROP_BYTES;
      await new Promise((resolve) => setTimeout(resolve, dripPauseMs));
    }
    if (to.writable) to.write(piece.subarray(at));
    from.resume();
  }
}
