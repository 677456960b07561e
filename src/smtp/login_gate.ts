/** Logins of clients that the proxy checks itself: against its list, with delays and limits for those who guess. */

import type { Clock } from "../base/clock.ts";
import { impossibleHash, parsePasswordHash, type PasswordHash, verifyPassword } from "../sasl/password_hash.ts";
import type { SaslCredentials } from "../sasl/types.ts";

/** A client that may log in. */
export interface ClientLogin {
  readonly username: string;
  /** As `hashPassword` of `sasl` gives it. */
  readonly passwordHash: string;
}

/** "locked": too many failures from this address; the password wasn't looked at. */
export type LoginOutcome = "accepted" | "refused" | "locked";

export interface LoginAttempt {
  readonly clients: readonly ClientLogin[];
  readonly credentials: SaslCredentials;
  /** Where the client connects from. */
  readonly address: string;
  /** Ends the delay after a failure. */
  readonly signal: AbortSignal;
}

/** Failures from one address before no more are looked at, until there was none for a while. */
export const MAX_FAILURES = 20;
export const FORGET_MS = 15 * 60_000;
const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 8000;
/** Each takes memory and a processor; further ones wait. */
const MAX_CHECKS = 2;
/** Addresses that are remembered; the oldest are forgotten first. */
const MAX_ADDRESSES = 10_000;

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

export class LoginGate {
  readonly #clock: Clock;
  readonly #verify: typeof verifyPassword;
  /** By network, the one with the latest failure last. */
  readonly #failures = new Map<string, Failures>();
  readonly #waiting: (() => void)[] = [];
  #checks = 0;

  /** @param verify what tells whether a password is the one of a hash */
  constructor(clock: Clock, verify = verifyPassword) {
    this.#clock = clock;
    this.#verify = verify;
  }

  /** Checks a login. After a failure the answer comes late, and later with each more. */
  async check({ clients, credentials, address, signal }: LoginAttempt): Promise<LoginOutcome> {
    const network = networkOf(address);
    if (this.#failuresFrom(network) >= MAX_FAILURES) return "locked";
    // Counted beforehand, so that many at a time are no way around the limit.
    this.#count(network, 1);
    if (await this.#isRight(clients, credentials)) {
      this.#count(network, -1);
      return "accepted";
    }
    const delayMs = FIRST_DELAY_MS * 2 ** Math.max(0, this.#failuresFrom(network) - 1);
    await this.#clock.sleep(Math.min(delayMs, MAX_DELAY_MS), signal).catch(() => {});
    return "refused";
  }

  /** Takes the same time for users that there are none of. */
  async #isRight(clients: readonly ClientLogin[], { username, password }: SaslCredentials): Promise<boolean> {
    const hashes = clients.map((client) => ({ username: client.username, hash: hashOf(client) }));
    const [first] = hashes;
    if (first === undefined) return false;
    const known = hashes.find((each) => each.username === username);
    await this.#enter();
    try {
      return await this.#verify(password, known?.hash ?? impossibleHash(first.hash)) && known !== undefined;
    } finally {
      this.#checks--;
      this.#waiting.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    while (this.#checks >= MAX_CHECKS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#checks++;
  }

  #failuresFrom(network: string): number {
    const failures = this.#failures.get(network);
    return failures === undefined || this.#clock.monotonicMs() - failures.lastMs >= FORGET_MS ? 0 : failures.count;
  }

  #count(network: string, change: number): void {
    const count = this.#failuresFrom(network) + change;
    this.#failures.delete(network);
    if (count > 0) this.#failures.set(network, { count, lastMs: this.#clock.monotonicMs() });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
  }
}

/** Throws where the config let something else through. */
function hashOf({ username, passwordHash }: ClientLogin): PasswordHash {
  const hash = parsePasswordHash(passwordHash);
  if (hash === null) throw new Error(`the password hash of ${username} is none`);
  return hash;
}

/** An IPv4 address, or the /64 network of an IPv6 address: its owner can choose the rest. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail = ""] = address.replace(/%.*$/, "").split("::");
  const before = head.split(":").filter((group) => group !== "");
  const after = tail.split(":").filter((group) => group !== "");
  const gap = address.includes("::") ? new Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0") : [];
  return `${[...before, ...gap, ...after].slice(0, 4).join(":")}::/64`;
}
