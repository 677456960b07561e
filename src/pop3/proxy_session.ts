/** One client of a proxy, from the accepted connection to the last line in the log. */

import { decodeUtf8 } from "../base/bytes.ts";
import { errorText } from "../base/errors.ts";
import { formatAddress } from "../net/address.ts";
import type { Dial } from "../net/dial.ts";
import { Doorbell } from "../net/doorbell.ts";
import { withProxyHeader } from "../net/proxy_header.ts";
import { upgradeCertificate } from "../net/session_host.ts";
import type { Connection, ListenOptions, TargetOptions } from "../net/types.ts";
import type { SessionEnd } from "./counters.ts";
import { Leg } from "./leg.ts";
import { localReplies } from "./local_replies.ts";
import { Relay } from "./relay.ts";
import type { SessionParts } from "./session_parts.ts";
import { failureOf, type Greeting, greetTarget } from "./upstream.ts";

export interface ProxySessionParts extends Omit<SessionParts, "client" | "target" | "bell" | "listen"> {
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
      this.#target?.close();
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
    if (this.#relay !== null) this.#relay.cutShort();
    else this.#target?.close();
  }

  async #serve(): Promise<SessionEnd> {
    const greeting = await this.#connect();
    if (greeting.kind !== "welcome") return await this.#refuse(greeting);
    const client = this.#client;
    const relay = new Relay({
      ...this.#parts,
      listen: formatAddress(client.connection.local),
      client,
      target: new Leg(greeting.connection, this.#bell),
      bell: this.#bell,
      certificate: upgradeCertificate(this.#parts.listen),
    });
    this.#relay = relay;
    if (this.#draining) relay.finishSoon();
    client.append(greeting.reply);
    return await relay.run();
  }

  #targetOptions(): TargetOptions {
    const { settings: { target, announceClient }, connection } = this.#parts;
    return announceClient === "proxy" ? withProxyHeader(target, connection) : target;
  }

  /** Connects to the target, up to its greeting and to TLS where that's wanted. */
  async #connect(): Promise<Greeting> {
    const { dial, settings } = this.#parts;
    try {
      this.#target = await dial(this.#targetOptions(), this.#abort.signal);
      // A stop that came when the target had just answered.
      if (this.#abort.signal.aborted) this.#target.close();
      return await greetTarget(this.#target, settings);
    } catch (error) {
      if (this.#abort.signal.aborted) return { kind: "stopped", reply: localReplies.shuttingDown };
      return failureOf(error);
    }
  }

  /** Says the only thing that is said in this session, and writes down why. */
  async #refuse(refusal: Exclude<Greeting, { kind: "welcome" }>): Promise<SessionEnd> {
    const { settings, id, log } = this.#parts;
    const facts = { proxy: settings.name, target: `${settings.target.host}:${settings.target.port}`, session: id };
    this.#target?.close();
    this.#client.append(refusal.reply);
    await this.#client.takeLeave();
    switch (refusal.kind) {
      case "stopped":
        return "shutdown";
      case "refused":
        log.warn("Proxy {proxy} is refused by its target {target}: {reply}", {
          ...facts,
          reply: decodeUtf8(refusal.reply).trimEnd(),
        });
        return "target-refused";
      case "failed":
        log.error("Proxy {proxy} can't use its target {target}: {problem}", {
          ...facts,
          problem: refusal.problem,
          hint: refusal.hint,
        });
        return refusal.end;
    }
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
