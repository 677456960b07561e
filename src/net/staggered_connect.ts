import { isIP } from "node:net";
import type { Clock } from "../base/clock.ts";

/** How long an address has the field for itself (RFC 8305 section 5). */
const STAGGER_MS = 250;

/** Spares the exception, with its stack, that an abort without a reason makes. */
const OVER = "the attempt is over";

export interface StaggeredConnectOptions {
  readonly clock: Clock;
  /** The signal is this attempt's alone. */
  readonly connect: (address: string, signal: AbortSignal) => Promise<Deno.TcpConn>;
  /** Told of each address as its attempt begins, and of those that failed with the error. */
  readonly onAttempt: (address: string, error: unknown) => void;
}

/**
 * Connects to the first of several addresses that answers. The next one is tried when one has failed, or has been silent
 * for a quarter of a second. Whatever connects too late is closed.
 */
export class StaggeredConnect {
  readonly #options: StaggeredConnectOptions;
  readonly #first = Promise.withResolvers<Deno.TcpConn>();
  /** Those that may still connect, each with the pause after it. */
  readonly #attempts = new Set<AbortController>();
  #addresses: readonly string[] = [];
  #started = 0;
  #failed = 0;
  #over = false;

  constructor(options: StaggeredConnectOptions) {
    this.#options = options;
  }

  /** Rejects with the last error when all addresses have failed, and with what `giveUp` is given. */
  get connected(): Promise<Deno.TcpConn> {
    return this.#first.promise;
  }

  /** Tries these addresses, the first one at once; none where it was given up before. */
  begin(addresses: readonly string[]): void {
    this.#addresses = addresses;
    this.#startNext();
  }

  /** Nothing is tried any more. */
  giveUp(reason: unknown): void {
    this.#end();
    this.#first.reject(reason);
  }

  #startNext(): void {
    const address = this.#addresses[this.#started];
    if (address === undefined || this.#over) return;
    const order = ++this.#started;
    const attempt = new AbortController();
    this.#attempts.add(attempt);
    const { connect, onAttempt } = this.#options;
    onAttempt(address, undefined);
    connect(address, attempt.signal).then((tcp) => {
      if (this.#over) return tcp.close();
      this.#end();
      this.#first.resolve(tcp);
    }, (error) => {
      if (this.#over) return;
      onAttempt(address, error);
      if (++this.#failed === this.#addresses.length) return this.giveUp(error);
      this.#stop(attempt);
      if (order === this.#started) this.#startNext();
    });
    if (order < this.#addresses.length) this.#startNextAfterPause(order, attempt.signal);
  }

  #startNextAfterPause(order: number, signal: AbortSignal): void {
    this.#options.clock.sleep(STAGGER_MS, signal).then(() => {
      if (order === this.#started) this.#startNext();
    }, () => {});
  }

  #end(): void {
    this.#over = true;
    for (const attempt of this.#attempts) this.#stop(attempt);
  }

  #stop(attempt: AbortController): void {
    this.#attempts.delete(attempt);
    attempt.abort(OVER);
  }
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
