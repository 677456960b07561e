/** The copy of a mail that is passing through a proxy, and what a failure of the copy means for the mail. */

import { errorText, hasCode } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Capture, CaptureStart, DropWriter, Settlement } from "./types.ts";

/**
 * - writing: under way
 * - kept: safe and visible
 * - sealed: safe, but not yet visible: the writer tries again, at the latest the next start does
 * - dropped: nothing remains, on purpose
 * - failed: there is no copy
 */
export type CopyState = "writing" | "kept" | "sealed" | "dropped" | "failed";

export interface CopyPolicy {
  /** "refuse": no copy, no delivery. "pass": deliver without a copy. */
  readonly onFailure: "refuse" | "pass";
  readonly log: Logger;
  /** Called once where there is no copy. */
  readonly onFailed?: () => void;
}

/**
 * A capture under a policy. Nothing here throws: with "refuse" a failure shows in `forbidsDelivery`, with "pass" the
 * mail goes on without a copy. Either way it is logged.
 */
export class MailCopy {
  readonly #policy: CopyPolicy;
  readonly #start: CaptureStart;
  #capture: Capture | null = null;
  #state: CopyState = "writing";
  #noSpace = false;
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

  /** There is a copy that nothing can take away any more. */
  get isSafe(): boolean {
    return this.#state === "kept" || this.#state === "sealed";
  }

  /** Octets of the mail so far, copied or not. */
  get size(): number {
    return this.#size;
  }

  /** The copy failed, and without a copy there's no delivery. */
  get forbidsDelivery(): boolean {
    return this.#state === "failed" && this.#policy.onFailure === "refuse";
  }

  /** The copy failed for want of space. */
  get noSpace(): boolean {
    return this.#noSpace;
  }

  /** As `Capture.write`. */
  write(content: Uint8Array, lasting = false): void {
    this.#size += content.length;
    if (this.#state !== "writing") return;
    try {
      this.#capture?.write(content, lasting);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The whole mail is here: makes the copy safe. */
  async seal(): Promise<void> {
    if (this.#state !== "writing") return;
    try {
      await this.#capture?.seal();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** After `seal`: makes the copy visible. A failure changes nothing for the mail, since the sealed copy is safe. */
  async commit(settlement: Settlement): Promise<void> {
    if (this.#state !== "writing") return;
    try {
      await this.#capture?.commit(settlement);
      this.#state = "kept";
    } catch (error) {
      this.#state = "sealed";
      this.#policy.log.error("The copy of a mail is safe, but can't be made visible yet: {problem}", {
        ...this.#facts,
        problem: errorText(error),
      });
      this.#capture?.abort();
    }
  }

  /** Leaves nothing behind, unless the copy is safe already. */
  abort(): void {
    if (this.#state !== "writing") return;
    this.#state = "dropped";
    this.#capture?.abort();
  }

  get #facts(): Record<string, unknown> {
    const { proxy, smtp, pop3 } = this.#start;
    const whose = smtp === undefined
      ? { user: pop3.user ?? undefined, uidl: pop3.uidl ?? undefined }
      : { from: smtp.mailFrom };
    return { proxy: proxy.name, ...whose, capture: this.id ?? undefined };
  }

  #fail(error: unknown): void {
    const { onFailure, log, onFailed } = this.#policy;
    this.#state = "failed";
    this.#noSpace = hasCode(error, "disk-full");
    log.error(
      onFailure === "refuse"
        ? "No copy of a mail can be made, so it isn't delivered: {problem}"
        : "No copy of a mail can be made; it is delivered without one: {problem}",
      { ...this.#facts, problem: errorText(error) },
    );
    onFailed?.();
    this.#capture?.abort();
  }
}
