import type { Clock } from "../../../src/base/clock.ts";
import { roomLogger } from "../../../src/base/log.ts";
import { Counters, type SessionEnd } from "../../../src/pop3/counters.ts";
import { Doorbell } from "../../../src/net/doorbell.ts";
import { Leg } from "../../../src/pop3/leg.ts";
import { type Pop3ProxyOptions, resolvePop3Options } from "../../../src/pop3/options.ts";
import { Relay } from "../../../src/pop3/relay.ts";
import type { SeenMails } from "../../../src/pop3/seen.ts";
import { MemoryDrop } from "../../dialogs/memory_drop.ts";
import { MemoryConnection } from "./memory_connection.ts";

const stillClock: Clock = {
  now: () => Date.UTC(2026, 0, 1),
  monotonicMs: () => 0,
  sleep: () => Promise.resolve(),
};

export type RelayOptions = Partial<Omit<Pop3ProxyOptions, "name" | "listen" | "target">>;

/** A relay between two connections in memory, at the moment when the greeting has been passed on. */
export class RelayedSession {
  readonly client = new MemoryConnection(1);
  readonly target = new MemoryConnection(2);
  readonly drop: MemoryDrop;
  readonly counters = new Counters();
  readonly relay: Relay;
  readonly end: Promise<SessionEnd>;

  constructor(options: RelayOptions = {}, seen: SeenMails | null = null, drop = new MemoryDrop()) {
    this.drop = drop;
    const bell = new Doorbell();
    this.relay = new Relay({
      id: "1",
      listen: "127.0.0.1:110",
      client: new Leg(this.client, bell),
      target: new Leg(this.target, bell),
      settings: resolvePop3Options({
        name: "test",
        listen: [],
        target: { host: "pop.example", port: 110, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 1000 },
        allowFrom: [],
        ...options,
      }),
      drop: this.drop,
      seen,
      clock: stillClock,
      log: roomLogger("pop3"),
      counters: this.counters,
      bell,
      certificate: { cert: "", key: "" },
    });
    this.end = this.relay.run();
  }

  /** The client asks, the target is asked the same and answers, the client gets that. */
  async exchange(line: string, reply: string): Promise<void> {
    this.client.send(`${line}\r\n`);
    await this.target.received(`${line}\r\n`);
    this.target.send(reply);
    await this.client.received(reply);
  }

  async logIn(): Promise<this> {
    await this.exchange("USER anna", "+OK\r\n");
    await this.exchange("PASS secret", "+OK\r\n");
    return this;
  }

  /** Lets the client and the target go, and waits for the relay's end. */
  async close(): Promise<SessionEnd> {
    this.client.reset();
    return await this.end;
  }
}
