import { Buffer } from "node:buffer";
import type { Clock } from "../../src/base/clock.ts";
import type { SocketAddress } from "../../src/net/types.ts";
import { MemoryConnection } from "../unit/pop3/memory_connection.ts";
import type { Random } from "./random.ts";

/** What came of one session. */
export interface SessionTally {
  /** How often the client sent something: a command or some, a mail, a chunk, a response. */
  readonly inputs: number;
  /** How many mails were kept. */
  readonly mails: number;
}

/** A server as the other end of a connection: takes what came, gives what it says to that. */
export interface Target {
  /** True once it has hung up. */
  readonly closed: boolean;
  receive(text: string): string;
}

/** Time stands still: nobody runs into a limit. */
export const stillClock: Clock = {
  now: () => Date.UTC(2026, 0, 1),
  monotonicMs: () => 0,
  sleep: (_ms, signal) =>
    new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true })),
};

const MAX_ROUNDS = 2000;
const SOMEBODY: SocketAddress = { address: "192.0.2.1", port: 1 };

/** A client's connection as its listener has it. */
export class ClientConnection extends MemoryConnection {
  override remote: SocketAddress;

  constructor(remote: SocketAddress) {
    super(remote.port);
    this.remote = remote;
  }

  standFor(client: SocketAddress): void {
    this.remote = client;
  }
}

/** The two connections of a session, in memory, with what went over the client's. */
export class Wire {
  readonly client: ClientConnection;
  readonly server = new MemoryConnection(2);
  readonly #random: Random;
  readonly #target: Target;
  readonly #drop: { readonly busy: boolean };
  /** All that the client has sent. */
  said = "";
  /** All that the client has got. */
  heard = "";
  /** Called whenever the client has got more. */
  onHeard: () => void = () => {};
  broken = false;
  /** How often the client has sent something. */
  inputs = 0;
  #over = false;

  /** @param drop where the session keeps its copies: it isn't at rest before that is */
  constructor(random: Random, target: Target, drop: { readonly busy: boolean }, greeting: string, remote = SOMEBODY) {
    this.client = new ClientConnection(remote);
    this.#drop = drop;
    this.#random = random;
    this.#target = target;
    this.server.send(greeting);
  }

  /** Somebody on the client's way to the proxy sends, in pieces. */
  sendAhead(text: string): void {
    this.client.send(...this.#pieces(text));
  }

  /** The client sends, in pieces. */
  say(text: string): void {
    this.inputs++;
    this.said += text;
    this.sendAhead(text);
  }

  /** Ends the client's side, now and then by breaking off, without having heard all; throws where the session goes on. */
  async end(running: Promise<void>): Promise<void> {
    if (!this.#random.oneIn(3)) await this.settle();
    if (this.#random.oneIn(2)) this.say("QUIT\r\n");
    this.broken = this.#random.oneIn(20);
    if (this.broken) this.client.reset();
    else this.client.sendEnd();
    let ended = false;
    running.then(() => ended = true);
    await this.settle();
    if (!ended) throw new Error("the session doesn't end");
  }

  /** Lets all that was sent take its effect. */
  async settle(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      const moved = await this.#move();
      if (!moved && !this.#drop.busy) return;
    }
    throw new Error("the session doesn't come to rest");
  }

  #pieces(text: string): Uint8Array[] {
    return this.#random.cut(text).map((piece) => Buffer.from(piece, "latin1"));
  }

  async #move(): Promise<boolean> {
    let moved = false;
    if (this.client.unread !== "") {
      this.heard += await this.client.taken();
      this.onHeard();
      moved = true;
    }
    if (this.server.unread !== "") {
      const answer = this.#target.receive(await this.server.taken());
      if (answer !== "") this.server.send(...this.#pieces(answer));
      moved = true;
    }
    if (!this.#over && (this.#target.closed || this.server.closed || this.server.writeEnded)) {
      this.#over = true;
      this.server.sendEnd();
      moved = true;
    }
    return moved;
  }
}
