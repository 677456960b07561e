/** The copy of a mail that is passing, and what a failure of the copy means for the mail. */

import { errorText } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Capture, CaptureStart, DropWriter } from "../drop/types.ts";
import type { Counters } from "./counters.ts";

/**
 * - writing: under way
 * - kept: safe and visible
 * - sealed: safe, but it becomes visible only at the next start
 * - dropped: nothing remains, on purpose
 * - failed: there is no copy
 */
export type CopyState = "writing" | "kept" | "sealed" | "dropped" | "failed";

export interface CopyPolicy {
  readonly onFailure: "refuse" | "pass";
  readonly log: Logger;
  readonly counters: Counters;
}

/**
 * A capture under a policy. Nothing here throws: with "refuse" a failure shows in `forbidsDelivery`, with "pass" the
 * mail goes on without a copy. Either way it is logged and counted.
 */
export class MailCopy {
  readonly #policy: CopyPolicy;
  readonly #start: CaptureStart;
  #capture: Capture | null = null;
  #state: CopyState = "writing";
  #size = 0;

  constructor(drop: DropWriter, start: CaptureStart, policy: CopyPolicy) {
    this.#policy = policy;
    this.#start = start;
    try {
      this.#capture = drop.begin(start);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The capture's id; null where none could be begun. */
  get id(): string | null {
    return this.#capture?.id ?? null;
  }

  get state(): CopyState {
    return this.#state;
  }

  /** Octets of the mail so far, copied or not. */
  get size(): number {
    return this.#size;
  }

  /** The copy failed, and without a copy there's no delivery. */
  get forbidsDelivery(): boolean {
    return this.#state === "failed" && this.#policy.onFailure === "refuse";
  }

  write(content: Uint8Array): void {
    this.#size += content.length;
    if (this.#state !== "writing") return;
    try {
      this.#capture?.write(content);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The whole mail is here: makes the copy safe, then visible. */
  async keep(): Promise<void> {
    if (this.#state !== "writing") return;
    try {
      await this.#capture?.seal();
    } catch (error) {
      return this.#fail(error);
    }
    this.#state = "sealed";
    try {
      await this.#capture?.commit({ outcome: "retrieved" });
      this.#state = "kept";
    } catch (error) {
      // Safe is what counts for the client; the next start makes the copy visible.
      this.#policy.log.error("The copy of a mail is safe, but can't be made visible before the next start: {problem}", {
        ...this.#facts,
        problem: errorText(error),
      });
      this.#capture?.abort();
    }
  }

  /** Leaves nothing behind. */
  drop(): void {
    if (this.#state !== "writing") return;
    this.#state = "dropped";
    this.#capture?.abort();
  }

  get #facts() {
    const { proxy, pop3 } = this.#start;
    return { proxy: proxy.name, user: pop3?.user ?? undefined, uidl: pop3?.uidl ?? undefined, capture: this.id };
  }

  #fail(error: unknown): void {
    const { onFailure, log, counters } = this.#policy;
    this.#state = "failed";
    counters.copyFailures++;
    log.error(
      onFailure === "refuse"
        ? "No copy of a mail can be made, so it isn't delivered: {problem}"
        : "No copy of a mail can be made; it is delivered without one: {problem}",
      { ...this.#facts, problem: errorText(error) },
    );
    this.#capture?.abort();
  }
}
