/** One client of a proxy, from the accepted connection to the last line in the log. */

import { errorText } from "../base/errors.ts";
import { formatAddress } from "../net/address.ts";
import type { Connection, ListenOptions, ServerTlsOptions, TargetOptions } from "../net/types.ts";
import type { SessionEnd } from "./counters.ts";
import { Doorbell, Leg } from "./leg.ts";
import { Relay } from "./relay.ts";
import type { SessionParts } from "./session_parts.ts";
import { failureOf, type Greeting, greetTarget } from "./upstream.ts";

/** Connects to a target; `dial` of `net`, or what a test puts in its place. */
export type Dial = (target: TargetOptions, signal: AbortSignal) => Promise<Connection>;

export interface ProxySessionParts extends Omit<SessionParts, "client" | "target" | "listen"> {
  readonly connection: Connection;
  readonly listen: ListenOptions;
  readonly dial: Dial;
}

export class ProxySession {
  readonly #parts: ProxySessionParts;
  readonly #bell = new Doorbell();
  readonly #client: Leg;
  readonly #abort = new AbortController();
  #target: Connection | null = null;
  #relay: Relay | null = null;
  #draining = false;

  constructor(parts: ProxySessionParts) {
    this.#parts = parts;
    this.#client = new Leg(parts.connection, this.#bell);
  }

  /** Runs to the end of the session and closes both connections. Never rejects. */
  async run(): Promise<void> {
    const { id, clock, counters, log } = this.#parts;
    const startedMs = clock.monotonicMs();
    counters.sessionStarted();
    let end: SessionEnd = "internal-error";
    try {
      end = await this.#serve();
    } catch (error) {
      log.error("Session {session} ended by an error of the program: {problem}", {
        session: id,
        problem: errorText(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    } finally {
      this.#client.cut();
      counters.sessionEnded(end);
      this.#report(end, clock.monotonicMs() - startedMs);
    }
  }

  /** Ends the session as soon as nothing would be lost by it. */
  finishSoon(): void {
    this.#draining = true;
    this.#relay?.finishSoon();
  }

  /** Ends the session now, whatever is under way. */
  cutShort(): void {
    this.#abort.abort();
    if (this.#relay !== null) return this.#relay.cutShort();
    this.#target?.close();
    this.#client.cut();
  }

  async #serve(): Promise<SessionEnd> {
    const { dial, settings } = this.#parts;
    let connection: Connection;
    try {
      connection = await dial(settings.target, this.#abort.signal);
    } catch (error) {
      if (this.#abort.signal.aborted) return "shutdown";
      return await this.#refuse(failureOf(error));
    }
    this.#target = connection;
    try {
      const greeting = await greetTarget(connection, settings);
      if (greeting.kind !== "welcome") return await this.#refuse(greeting);
      return await this.#converse(connection, greeting.reply);
    } finally {
      connection.close();
    }
  }

  async #converse(connection: Connection, greeting: Uint8Array): Promise<SessionEnd> {
    const client = this.#client;
    const relay = new Relay({
      ...this.#parts,
      listen: formatAddress(client.connection.local),
      client,
      target: new Leg(connection, this.#bell),
      bell: this.#bell,
      certificate: certificateOf(this.#parts.listen),
    });
    this.#relay = relay;
    if (this.#draining) relay.finishSoon();
    client.append(greeting);
    return await relay.run();
  }

  /** Says the only thing that is said in this session, and writes down why. */
  async #refuse(greeting: Exclude<Greeting, { kind: "welcome" }>): Promise<SessionEnd> {
    const { settings, id, log } = this.#parts;
    const facts = { proxy: settings.name, target: `${settings.target.host}:${settings.target.port}`, session: id };
    this.#client.append(greeting.reply);
    if (greeting.kind === "failed") {
      log.error("Proxy {proxy} can't use its target {target}: {problem}", { ...facts, problem: greeting.problem });
    } else {
      log.warn("Proxy {proxy} is refused by its target {target}", facts);
    }
    this.#target?.close();
    await this.#client.takeLeave();
    return greeting.kind === "failed" ? greeting.end : "target-refused";
  }

  #report(end: SessionEnd, ms: number): void {
    const { id, settings, log, connection } = this.#parts;
    const state = this.#relay?.state;
    log.info("Session ended: {reason}", {
      reason: end,
      proxy: settings.name,
      session: id,
      client: connection.remote.address,
      user: state?.user ?? undefined,
      tls: connection.tls?.version,
      retrieved: state?.answered.retrieved,
      tops: state?.answered.tops,
      deleted: state?.answered.deleted,
      octets: this.#relay?.octets,
      errors: state?.errors || undefined,
      ms: Math.round(ms),
    });
  }
}

/** For STLS; null where this listener doesn't offer it. */
function certificateOf(listen: ListenOptions): ServerTlsOptions | null {
  return listen.tls === "starttls" ? listen.certificate ?? null : null;
}
