/** A POP3 proxy: listens, and gives each client a session of its own with the target. */

import { join } from "@std/path";
import type { Clock } from "../base/clock.ts";
import { errorText } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { DropWriter } from "../drop/types.ts";
import type { Refusal } from "../net/admission.ts";
import { type Dial, dial } from "../net/dial.ts";
import { SessionHost, type SessionSource } from "../net/session_host.ts";
import type { Connection, ListenOptions, SocketAddress } from "../net/types.ts";
import { Counters, type Pop3ProxyStats } from "./counters.ts";
import { localReplies } from "./local_replies.ts";
import { type Pop3ProxyOptions, type Pop3Settings, resolvePop3Options } from "./options.ts";
import { ProxySession } from "./proxy_session.ts";
import { openSeenMails, type SeenMails } from "./seen.ts";

/** In the drop folder, beside the captures; names with a dot in front are no captures. */
const SEEN_FILE = ".retrieved.db";

export interface Pop3ProxyDependencies {
  readonly drop: DropWriter;
  readonly clock: Clock;
  readonly log: Logger;
  /** @default dial of `net` */
  readonly dial?: Dial;
}

/** A proxy that runs. */
export interface Pop3Proxy {
  /** The bound addresses, in the order of `listen`. */
  readonly addresses: readonly SocketAddress[];
  stats(): Pop3ProxyStats;
  /** New sessions get these options; throws where they listen elsewhere. Sessions under way keep theirs. */
  update(options: Pop3ProxyOptions): void;
  /**
   * Stops listening. Sessions end as soon as the client loses nothing by it: before the login at once, else with its
   * QUIT, which carries out its deletions. Resolves when all have ended, those that are left after `graceMs` cut short.
   */
  drain(graceMs: number): Promise<void>;
  /** Stops listening and ends all sessions. Safe to call more than once. */
  stop(): Promise<void>;
}

/**
 * Starts a proxy that relays POP3 (RFC 1939) and captures each mail that is retrieved. Rejects with MailteeError where
 * it can't listen ("busy", "config"), and "config" where `allowFrom` can't be understood.
 */
export function startPop3Proxy(options: Pop3ProxyOptions, dependencies: Pop3ProxyDependencies): Promise<Pop3Proxy> {
  return Promise.try(() => new RunningProxy(options, dependencies));
}

class RunningProxy implements Pop3Proxy, SessionSource {
  readonly #dependencies: Pop3ProxyDependencies;
  readonly #counters = new Counters();
  readonly #dial: Dial;
  readonly #host: SessionHost;
  #settings: Pop3Settings;
  #seen: SeenMails | null = null;

  constructor(options: Pop3ProxyOptions, dependencies: Pop3ProxyDependencies) {
    const { clock } = dependencies;
    this.#dependencies = dependencies;
    this.#dial = dependencies.dial ?? ((target, signal) => dial(target, { clock, signal }));
    this.#settings = resolvePop3Options(options);
    this.#host = new SessionHost(this.#settings, this, clock);
    this.#rememberMails();
  }

  get addresses(): readonly SocketAddress[] {
    return this.#host.addresses;
  }

  stats(): Pop3ProxyStats {
    return this.#counters.snapshot();
  }

  update(options: Pop3ProxyOptions): void {
    const settings = resolvePop3Options(options);
    this.#host.update(settings);
    this.#settings = settings;
    this.#rememberMails();
  }

  async drain(graceMs: number): Promise<void> {
    await this.#host.drain(graceMs);
    this.#forgetMails();
  }

  async stop(): Promise<void> {
    await this.#host.stop();
    this.#forgetMails();
  }

  open(id: string, connection: Connection, listen: ListenOptions): ProxySession {
    const { drop, clock, log } = this.#dependencies;
    return new ProxySession({
      id,
      connection,
      listen,
      settings: this.#settings,
      dial: this.#dial,
      drop,
      seen: this.#settings.recapture === "never" ? this.#seen : null,
      clock,
      log,
      counters: this.#counters,
    });
  }

  async refuse(connection: Connection, reason: Refusal): Promise<void> {
    this.#counters.connectionRefused(reason);
    await connection.write(reason === "not-allowed" ? localReplies.notAllowed : localReplies.tooManyConnections);
  }

  /** Without the memory, mails are captured again, which costs space but loses nothing. */
  #rememberMails(): void {
    const { drop, log } = this.#dependencies;
    if (this.#settings.recapture !== "never" || this.#seen !== null) return;
    try {
      this.#seen = openSeenMails(join(drop.path, SEEN_FILE), log);
    } catch (error) {
      log.warn("Proxy {proxy} can't tell which mails were captured before, and captures all: {problem}", {
        proxy: this.#settings.name,
        problem: errorText(error),
      });
    }
  }

  /** Closes the memory, which stays on disk. */
  #forgetMails(): void {
    this.#seen?.close();
    this.#seen = null;
  }
}
