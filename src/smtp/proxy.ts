/** An SMTP or LMTP proxy: listens, and gives each client a session of its own with the target. */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { DropWriter } from "../drop/types.ts";
import type { Refusal } from "../net/admission.ts";
import { type Dial, dial } from "../net/dial.ts";
import { SessionHost, type SessionSource } from "../net/session_host.ts";
import type { Connection, ListenOptions, SocketAddress } from "../net/types.ts";
import { Counters, type SmtpProxyStats } from "./counters.ts";
import { localReplies } from "./local_replies.ts";
import { LoginGate } from "./login_gate.ts";
import { type ResolvedSmtpOptions, resolveSmtpOptions, type SmtpProxyOptions } from "./options.ts";
import { ProxySession } from "./proxy_session.ts";

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

class RunningProxy implements SmtpProxy, SessionSource {
  readonly #dependencies: SmtpProxyDependencies;
  readonly #counters = new Counters();
  readonly #loginGate: LoginGate;
  readonly #dial: Dial;
  readonly #host: SessionHost;
  #options: ResolvedSmtpOptions;

  constructor(options: SmtpProxyOptions, dependencies: SmtpProxyDependencies) {
    const { clock } = dependencies;
    this.#dependencies = dependencies;
    this.#loginGate = new LoginGate(clock);
    this.#dial = dependencies.dial ?? ((target, signal) => dial(target, { clock, signal }));
    this.#options = resolveSmtpOptions(options);
    this.#host = new SessionHost(this.#options, this, clock);
  }

  get addresses(): readonly SocketAddress[] {
    return this.#host.addresses;
  }

  stats(): SmtpProxyStats {
    return this.#counters.snapshot();
  }

  update(options: SmtpProxyOptions): void {
    const resolved = resolveSmtpOptions(options);
    this.#host.update(resolved);
    this.#options = resolved;
  }

  drain(graceMs: number): Promise<void> {
    return this.#host.drain(graceMs);
  }

  stop(): Promise<void> {
    return this.#host.stop();
  }

  open(id: string, connection: Connection, listen: ListenOptions): ProxySession {
    const { drop, clock, log } = this.#dependencies;
    return new ProxySession({
      id,
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
  }

  async refuse(connection: Connection, reason: Refusal): Promise<void> {
    this.#counters.connectionRefused(reason);
    const reply = reason === "not-allowed" ? localReplies.notAllowed : localReplies.tooManyConnections;
    await connection.write(reply.bytes);
  }
}
