import type { Clock } from "../base/clock.ts";
import { parseAddressList } from "./address_list.ts";
import type { Refusal } from "./admission.ts";
import { type Listener, type ListenerOptions, type Sessions, startListener } from "./listener.ts";
import type { Connection, ListenOptions, ServerTlsOptions, SocketAddress } from "./types.ts";

/** How long sessions may take to say their last words at a stop. */
const STOP_MS = 2000;

/** Where clients connect, and which of them are let in. */
export interface HostOptions {
  readonly listen: readonly ListenOptions[];
  /** As `parseAddressList` takes it; empty: everyone. */
  readonly allowFrom: readonly string[];
  readonly limits: { readonly maxConnections: number; readonly maxConnectionsPerAddress: number };
  readonly target: { readonly connectTimeoutMs: number };
}

/** One client's session, as its host sees it. */
export interface HostedSession {
  /** Serves the client to the end. Never rejects. */
  run(): Promise<void>;
  /** Ends the session as soon as nothing would be lost by it. */
  finishSoon(): void;
  /** Ends the session now, whatever is under way. */
  cutShort(): void | Promise<void>;
}

/** What a protocol does with those who connect. */
export interface SessionSource {
  /** A session for a client that was let in; `id` is unique within the host. */
  open(id: string, connection: Connection, listen: ListenOptions): HostedSession;
  /** Tells a client in the protocol's own words that it isn't let in. */
  refuse(connection: Connection, reason: Refusal): Promise<void>;
}

/** Listens, and keeps the sessions of those who connect until they have ended. */
export class SessionHost implements Sessions {
  readonly #source: SessionSource;
  readonly #clock: Clock;
  readonly #sessions = new Set<HostedSession>();
  readonly #listener: Listener;
  #sessionCount = 0;
  /** What has been asked of all sessions, for those whose handshake is still under way. */
  #ending: "soon" | "now" | null = null;

  /** Throws MailteeError "busy" or "config" where it can't listen, "config" where `allowFrom` can't be understood. */
  constructor(options: HostOptions, source: SessionSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    this.#listener = startListener(listenerOptions(options), this, { clock });
  }

  /** The bound addresses, in the order of `listen`. */
  get addresses(): readonly SocketAddress[] {
    return this.#listener.addresses;
  }

  /** New sessions come under these options; throws where they listen elsewhere. */
  update(options: HostOptions): void {
    this.#listener.update(listenerOptions(options), this);
  }

  /** Stops listening; sessions may end by themselves within `graceMs`, what is left then is cut short. */
  async drain(graceMs: number): Promise<void> {
    this.#listener.stop();
    this.#ending ??= "soon";
    for (const session of this.#sessions) session.finishSoon();
    await this.#idle(graceMs);
    await this.stop();
  }

  /** Stops listening and ends all sessions. Safe to call more than once. */
  async stop(): Promise<void> {
    this.#listener.stop();
    this.#ending = "now";
    for (const session of this.#sessions) void session.cutShort();
    await this.#idle(STOP_MS);
    this.#listener.closeAll();
    await this.#listener.idle();
  }

  start(connection: Connection, listen: ListenOptions): Promise<void> {
    const session = this.#source.open(String(++this.#sessionCount), connection, listen);
    this.#sessions.add(session);
    if (this.#ending === "soon") session.finishSoon();
    else if (this.#ending === "now") void session.cutShort();
    return session.run().then(() => void this.#sessions.delete(session));
  }

  refuse(connection: Connection, reason: Refusal): Promise<void> {
    return this.#source.refuse(connection, reason);
  }

  /** Resolves when no session is left, or after `ms`. */
  async #idle(ms: number): Promise<void> {
    const over = new AbortController();
    const limit = this.#clock.sleep(ms, over.signal).catch(() => {});
    await Promise.race([this.#listener.idle(), limit]);
    over.abort();
  }
}

function listenerOptions({ listen, allowFrom, limits, target }: HostOptions): ListenerOptions {
  return {
    listen,
    allowFrom: allowFrom.length === 0 ? null : parseAddressList(allowFrom),
    maxConnections: limits.maxConnections,
    maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
    handshakeTimeoutMs: target.connectTimeoutMs,
  };
}

/** What a session shows in STARTTLS or STLS; null where its listener doesn't offer it. */
export function upgradeCertificate({ tls, certificate }: ListenOptions): ServerTlsOptions | null {
  return tls === "starttls" ? certificate ?? null : null;
}
