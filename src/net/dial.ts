import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Clock, systemClock } from "../base/clock.ts";
import { MailteeError } from "../base/errors.ts";
import { TcpConnection } from "./connection.ts";
import { type DeadlineSweeper, processDeadlines } from "./deadlines.ts";
import { unreachable } from "./dial_error.ts";
import { interleaveFamilies, StaggeredConnect } from "./staggered_connect.ts";
import type { Connection, TargetOptions } from "./types.ts";

export interface DialOptions {
  /** Gives up; `dial` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** For the pauses between addresses. @default the machine's own */
  readonly clock?: Clock;
  /** Deadlines of connecting and of the connection. @default those of the process */
  readonly deadlines?: DeadlineSweeper;
  /** All addresses of a host name, best first. @default what the system's own look-up gives */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** @default `Deno.connect` */
  readonly connect?: (address: string, port: number, signal: AbortSignal) => Promise<Deno.TcpConn>;
}

/** Connects a session to its target. */
export type Dial = (target: TargetOptions, signal: AbortSignal) => Promise<Connection>;

/**
 * Connects to a target: looks its name up, tries its addresses in turn, sends the preamble and, where TLS is implicit,
 * shakes hands. The connection has no deadline.
 *
 * Rejects with MailteeError "unreachable" (no such name, refused, no answer in time: the message says what each address
 * answered), or with "tls", "timeout" or "connection-lost" for the handshake.
 */
export async function dial(target: TargetOptions, options: DialOptions = {}): Promise<TcpConnection> {
  const { signal } = options;
  signal?.throwIfAborted();
  const tcp = await connectInTime(target, options);
  const connection = new TcpConnection(tcp, options.deadlines === undefined ? {} : { deadlines: options.deadlines });
  if (target.preamble !== undefined) await sendPreamble(connection, target.preamble, target.connectTimeoutMs);
  if (target.tls === "implicit") await shakeHands(connection, target, signal);
  return connection;
}

async function connectInTime(target: TargetOptions, options: DialOptions): Promise<Deno.TcpConn> {
  const { clock = systemClock, deadlines = processDeadlines, resolve = resolveName, connect = connectTcp } = options;
  const { signal } = options;
  /** What each address that was tried has said so far; undefined where that's nothing. */
  const answers = new Map<string, unknown>();
  const attempts = new StaggeredConnect({
    clock,
    connect: (address, stop) => connect(address, target.port, stop),
    onAttempt: (address, error) => answers.set(address, error),
  });
  const giveUp = () => attempts.giveUp(signal?.reason);
  // A timer of its own would cost more than all else here.
  const limit = { deadline: deadlines.now() + target.connectTimeoutMs, expire: giveUp };
  deadlines.watch(limit);
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    if (isIP(target.host) > 0) attempts.begin([target.host]);
    else void beginWithName(attempts, resolve(target.host));
    return await attempts.connected;
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(target, answers, error);
  } finally {
    signal?.removeEventListener("abort", giveUp);
    deadlines.unwatch(limit);
  }
}

/** The look-up may last longer than the time that there is for connecting. */
async function beginWithName(attempts: StaggeredConnect, lookUp: Promise<readonly string[]>): Promise<void> {
  try {
    attempts.begin(interleaveFamilies(await lookUp));
  } catch (error) {
    attempts.giveUp(error);
  }
}

async function sendPreamble(connection: TcpConnection, bytes: Uint8Array, ms: number): Promise<void> {
  connection.setDeadline(ms);
  try {
    await connection.write(bytes);
    connection.setDeadline(null);
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function shakeHands(connection: TcpConnection, target: TargetOptions, signal?: AbortSignal): Promise<void> {
  const close = () => connection.close();
  signal?.addEventListener("abort", close);
  connection.setDeadline(target.connectTimeoutMs);
  try {
    await connection.startClientTls({ serverName: target.host, trust: target.trust });
    connection.setDeadline(null);
  } catch (error) {
    connection.close();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", close);
  }
}

/** Asks as other programs of the machine do (getaddrinfo), so that names of the hosts file and of the LAN work too. */
async function resolveName(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  if (found.length === 0) throw new MailteeError("unreachable", `${host} has no address`);
  return found.map(({ address }) => address);
}

/**
 * Connects, or rejects when the signal is aborted. `Deno.connect` (2.9) asks its signal once more when the connection is
 * there, and where that was aborted in the very moment it throws without closing: the signal, nobody else's, says no.
 */
function connectTcp(hostname: string, port: number, signal: AbortSignal): Promise<Deno.TcpConn> {
  Object.defineProperty(signal, "throwIfAborted", { value: () => {} });
  return Deno.connect({ hostname, port, signal });
}
