/** An SMTP or LMTP proxy: listens, and gives each client a session of its own with the target. */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { DropWriter } from "../drop/types.ts";
import { parseAddressList } from "../net/address_list.ts";
import type { Refusal } from "../net/admission.ts";
import { dial } from "../net/dial.ts";
import { type Listener, type ListenerOptions, type Sessions, startListener } from "../net/listener.ts";
import type { Connection, ListenOptions, SocketAddress } from "../net/types.ts";
import { Counters, type SmtpProxyStats } from "./counters.ts";
import { localReplies } from "./local_replies.ts";
import { LoginGate } from "./login_gate.ts";
import { type ResolvedSmtpOptions, resolveSmtpOptions, type SmtpProxyOptions } from "./options.ts";
import { type Dial, ProxySession } from "./proxy_session.ts";

/** How long sessions may take to say their last words at a stop. */
const STOP_MS = 2000;

export interface SmtpProxyDependencies {
  readonly drop: DropWriter;
  readonly clock: Clock;
  readonly log: Logger;
  /** @default dial of `net` */
  readonly dial?: Dial;
}

/** A proxy that runs. */
export interface SmtpProxy {
  /** The bound addresses, in the order of `listen`. */
  readonly addresses: readonly SocketAddress[];
  stats(): SmtpProxyStats;
  /** New sessions get these options; throws where they listen elsewhere. Sessions under way keep theirs. */
  update(options: SmtpProxyOptions): void;
  /**
   * Stops listening. Sessions without a mail under way end at once, others with its end; all hear 421. Resolves when
   * all have ended, those that are left after `graceMs` cut short.
   */
  drain(graceMs: number): Promise<void>;
  /** Stops listening and ends all sessions. Safe to call more than once. */
  stop(): Promise<void>;
}

/**
 * Starts a proxy that relays SMTP (RFC 5321) or LMTP (RFC 2033) and captures each mail that the target accepts. Rejects
 * with MailteeError where it can't listen ("busy", "config"), and "config" where `allowFrom` can't be understood.
 */
export function startSmtpProxy(options: SmtpProxyOptions, dependencies: SmtpProxyDependencies): Promise<SmtpProxy> {
  return Promise.try(() => new RunningProxy(options, dependencies));
}

class RunningProxy implements SmtpProxy, Sessions {
  readonly #dependencies: SmtpProxyDependencies;
  readonly #counters = new Counters();
  readonly #sessions = new Set<ProxySession>();
  readonly #listener: Listener;
  readonly #loginGate: LoginGate;
  readonly #dial: Dial;
  #options: ResolvedSmtpOptions;
  #sessionCount = 0;

  constructor(options: SmtpProxyOptions, dependencies: SmtpProxyDependencies) {
    const { clock } = dependencies;
    this.#dependencies = dependencies;
    this.#loginGate = new LoginGate(clock);
    this.#dial = dependencies.dial ?? ((target, signal) => dial(target, { clock, signal }));
    this.#options = resolveSmtpOptions(options);
    this.#listener = startListener(listenerOptions(this.#options), this, { clock });
  }

  get addresses(): readonly SocketAddress[] {
    return this.#listener.addresses;
  }

  stats(): SmtpProxyStats {
    return this.#counters.snapshot();
  }

  update(options: SmtpProxyOptions): void {
    const resolved = resolveSmtpOptions(options);
    this.#listener.update(listenerOptions(resolved), this);
    this.#options = resolved;
  }

  async drain(graceMs: number): Promise<void> {
    this.#listener.stop();
    for (const session of this.#sessions) session.finishSoon();
    await this.#idle(graceMs);
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#listener.stop();
    for (const session of this.#sessions) session.cutShort();
    await this.#idle(STOP_MS);
    this.#listener.closeAll();
    await this.#listener.idle();
  }

  async start(connection: Connection, listen: ListenOptions): Promise<void> {
    const { drop, clock, log } = this.#dependencies;
    const session = new ProxySession({
      id: String(++this.#sessionCount),
      connection,
      listen,
      options: this.#options,
      dial: this.#dial,
      loginGate: this.#loginGate,
      drop,
      clock,
      log,
      counters: this.#counters,
    });
    this.#sessions.add(session);
    await session.run();
    this.#sessions.delete(session);
  }

  async refuse(connection: Connection, reason: Refusal): Promise<void> {
    this.#counters.connectionRefused(reason);
    const reply = reason === "not-allowed" ? localReplies.notAllowed : localReplies.tooManyConnections;
    await connection.write(reply.bytes);
  }

  /** Resolves when no session is left, or after `ms`. */
  async #idle(ms: number): Promise<void> {
    const over = new AbortController();
    const limit = this.#dependencies.clock.sleep(ms, over.signal).catch(() => {});
    await Promise.race([this.#listener.idle(), limit]);
    over.abort();
  }
}

function listenerOptions({ listen, allowFrom, limits, target }: ResolvedSmtpOptions): ListenerOptions {
  return {
    listen,
    allowFrom: allowFrom.length === 0 ? null : parseAddressList(allowFrom),
    maxConnections: limits.maxConnections,
    maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
    handshakeTimeoutMs: target.connectTimeoutMs,
  };
}
