import type { AddressList } from "./types.ts";

/** Why a connection isn't served. */
export type Refusal = "not-allowed" | "too-many" | "too-many-from-address";

/** Who may connect, and how many at once. */
export interface AdmissionRules {
  /** Null allows everyone. */
  readonly allowFrom: AddressList | null;
  /** Open connections in all. */
  readonly maxConnections: number;
  /** Open connections from one address. */
  readonly maxConnectionsPerAddress: number;
}

/** Counts open connections and says whether one more is admitted. */
export class Admission {
  readonly #open = new Map<string, number>();
  #total = 0;

  /** Open connections in all. */
  get total(): number {
    return this.#total;
  }

  /** Open connections from one address. */
  from(address: string): number {
    return this.#open.get(address) ?? 0;
  }

  /** Counts a connection from `address`, or says why it isn't admitted. */
  enter(address: string, rules: AdmissionRules): Refusal | null {
    if (rules.allowFrom?.has(address) === false) return "not-allowed";
    if (this.#total >= rules.maxConnections) return "too-many";
    if (this.from(address) >= rules.maxConnectionsPerAddress) return "too-many-from-address";
    this.#open.set(address, this.from(address) + 1);
    this.#total++;
    return null;
  }

  /** Takes back one `enter`. */
  leave(address: string): void {
    this.#total--;
    const left = this.from(address) - 1;
    if (left > 0) this.#open.set(address, left);
    else this.#open.delete(address);
  }
}
