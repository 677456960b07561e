/** One client of a proxy, from the accepted connection to the last line in the log. */

import { errorText, MailteeError } from "../base/errors.ts";
import { formatAddress } from "../net/address.ts";
import type { Dial } from "../net/dial.ts";
import { Doorbell } from "../net/doorbell.ts";
import { withProxyHeader } from "../net/proxy_header.ts";
import { upgradeCertificate } from "../net/session_host.ts";
import type { Connection, ListenOptions, TargetOptions } from "../net/types.ts";
import { Leg, readReply } from "./leg.ts";
import type { LoginGate } from "./login_gate.ts";
import { localReplies } from "./local_replies.ts";
import { lossOfSession } from "./mail_end.ts";
import { Relay } from "./relay.ts";
import { isPositive, type Reply, replyText } from "./reply.ts";
import type { SessionParts } from "./session_mails.ts";
import type { EndReason } from "./session_state.ts";

export interface ProxySessionParts extends Omit<SessionParts, "client" | "target" | "listen"> {
  readonly connection: Connection;
  readonly listen: ListenOptions;
  readonly dial: Dial;
  readonly loginGate: LoginGate;
}

export class ProxySession {
  readonly #parts: ProxySessionParts;
  readonly #bell = new Doorbell();
  readonly #client: Leg;
  readonly #abort = new AbortController();
  #target: Leg | null = null;
  #relay: Relay | null = null;
  #draining = false;

  constructor(parts: ProxySessionParts) {
    this.#parts = parts;
    this.#client = new Leg(parts.connection, this.#bell);
  }

  /** Runs to the end of the session and closes both connections. Never rejects. */
  async run(): Promise<void> {
    const { clock, counters } = this.#parts;
    const startedMs = clock.monotonicMs();
    counters.sessionStarted();
    let reason: EndReason = "internal-error";
    try {
      const begun = await this.#begin();
      reason = typeof begun === "string" ? begun : await begun.relay.run(begun.greeting);
    } catch (error) {
      this.#parts.log.error("Session {session} ended by an error of the program: {problem}", {
        session: this.#parts.id,
        problem: errorText(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    } finally {
      this.#target?.cut();
      this.#client.cut();
      counters.sessionEnded(reason);
      this.#report(reason, clock.monotonicMs() - startedMs);
    }
  }

  /** Ends the session as soon as no mail is under way. */
  finishSoon(): void {
    this.#draining = true;
    this.#relay?.finishSoon();
  }

  /** Ends the session now, whatever is under way. */
  async cutShort(): Promise<void> {
    this.#abort.abort();
    if (this.#relay === null) this.#target?.cut();
    else await this.#relay.cutShort();
  }

  /** Connects the client to the target; why the session is over where that failed. */
  async #begin(): Promise<{ readonly relay: Relay; readonly greeting: Reply } | EndReason> {
    const { id, listen, options, drop, clock, log, counters, connection, loginGate } = this.#parts;
    const target = await this.#connect();
    if (target === null) return this.#abort.signal.aborted ? "shutdown" : "target-unreachable";
    this.#target = target;
    if (this.#abort.signal.aborted) target.cut();
    const greeting = await this.#greeting(target);
    if (greeting === null) return this.#abort.signal.aborted ? "shutdown" : "target-closed";
    const relay = new Relay({
      id,
      listen: formatAddress(connection.local),
      client: this.#client,
      target,
      options,
      drop,
      clock,
      log,
      counters,
      bell: this.#bell,
      certificate: upgradeCertificate(listen),
      loginGate,
      signal: this.#abort.signal,
    });
    this.#relay = relay;
    if (this.#draining) relay.finishSoon();
    return { relay, greeting };
  }

  #targetOptions(): TargetOptions {
    const { options: { target, announceClient }, connection } = this.#parts;
    return announceClient === "proxy" ? withProxyHeader(target, connection) : target;
  }

  /** Null where the target can't be reached; the client knows then. */
  async #connect(): Promise<Leg | null> {
    const { dial, options, id, log } = this.#parts;
    try {
      return new Leg(await dial(this.#targetOptions(), this.#abort.signal), this.#bell);
    } catch (error) {
      if (this.#abort.signal.aborted) {
        await this.#refuse(localReplies.shuttingDown);
        return null;
      }
      if (!(error instanceof MailteeError)) throw error;
      log.error("Proxy {proxy} can't reach its target: {problem}", {
        proxy: options.name,
        session: id,
        problem: errorText(error),
        hint: error.hint,
      });
      await this.#refuse(error.code === "tls" ? localReplies.targetNoTls : localReplies.targetUnreachable);
      return null;
    }
  }

  /** The target's greeting (RFC 5321 section 3.1), which passes whatever it says; null where none came. */
  async #greeting(target: Leg): Promise<Reply | null> {
    const { options, id, log } = this.#parts;
    const wait = await readReply(target, options.timeouts.targetMs);
    if (wait.kind === "reply") {
      if (!isPositive(wait.reply)) {
        log.warn("Proxy {proxy} is refused by its target: {reply}", {
          proxy: options.name,
          session: id,
          reply: replyText(wait.reply),
        });
      }
      return wait.reply;
    }
    if (this.#abort.signal.aborted) {
      await this.#refuse(localReplies.shuttingDown);
      return null;
    }
    log.error("Proxy {proxy} got no greeting from its target: {loss}", {
      proxy: options.name,
      session: id,
      loss: wait.loss,
    });
    target.cut();
    await this.#refuse(lossOfSession[wait.loss]);
    return null;
  }

  /** Says the only thing that is said in this session. */
  async #refuse(reply: Reply): Promise<void> {
    this.#client.append(reply.bytes);
    await this.#client.farewell();
  }

  #report(reason: EndReason, ms: number): void {
    const { id, options, log, connection } = this.#parts;
    log.info("Session ended: {reason}", {
      reason,
      proxy: options.name,
      session: id,
      client: connection.remote.address,
      helo: this.#relay?.state.clientName ?? undefined,
      user: this.#relay?.state.authenticatedAs ?? undefined,
      tls: connection.tls?.version,
      mails: this.#relay?.mailCount ?? 0,
      errors: this.#relay?.state.errors || undefined,
      ms: Math.round(ms),
    });
  }
}
