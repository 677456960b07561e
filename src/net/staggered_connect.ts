import { isIP } from "node:net";
import type { Clock } from "../base/clock.ts";

/** How long an address has the field for itself (RFC 8305 section 5). */
const STAGGER_MS = 250;

/** Spares the exception, with its stack, that an abort without a reason makes. */
const SETTLED = "the attempts are over";

export interface StaggeredConnectOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly connect: (address: string, signal: AbortSignal) => Promise<Deno.TcpConn>;
  /** Told of each address as its attempt begins, and of those that failed with the error. */
  readonly onAttempt: (address: string, error: unknown) => void;
}

/**
 * The first of the addresses that answers. The next one is tried when one has failed, or has been silent for a quarter
 * of a second. Rejects with the last error when all have failed, and with the signal's reason when it is aborted;
 * whatever connects too late is closed.
 */
export function firstConnection(
  addresses: readonly string[],
  { clock, signal, connect, onAttempt }: StaggeredConnectOptions,
): Promise<Deno.TcpConn> {
  const { promise, resolve, reject } = Promise.withResolvers<Deno.TcpConn>();
  const attempts = new AbortController();
  const stop = attempts.signal;
  let started = 0;
  let failed = 0;

  const abort = () => {
    attempts.abort(signal.reason);
    reject(signal.reason);
  };
  const settle = () => {
    signal.removeEventListener("abort", abort);
    attempts.abort(SETTLED);
  };
  const startNext = () => {
    const address = addresses[started];
    if (address === undefined || stop.aborted) return;
    const order = ++started;
    onAttempt(address, undefined);
    connect(address, stop).then((tcp) => {
      if (stop.aborted) return tcp.close();
      settle();
      resolve(tcp);
    }, (error) => {
      if (stop.aborted) return;
      onAttempt(address, error);
      if (++failed < addresses.length) return order === started ? startNext() : undefined;
      settle();
      reject(error);
    });
    if (started === addresses.length) return;
    clock.sleep(STAGGER_MS, stop).then(() => {
      if (order === started) startNext();
    }, () => {});
  };

  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  else startNext();
  return promise;
}

/** IPv6 and IPv4 addresses in turn, beginning with the kind of the first, otherwise in their order (RFC 8305 section 4). */
export function interleaveFamilies(addresses: readonly string[]): string[] {
  const first = isIP(addresses[0] ?? "");
  const same = addresses.filter((address) => isIP(address) === first);
  const other = addresses.filter((address) => isIP(address) !== first);
  return Array.from(
    { length: Math.max(same.length, other.length) },
    (_, index) => [same[index], other[index]],
  ).flat().filter((address) => address !== undefined);
}
