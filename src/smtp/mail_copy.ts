/** The copy of a mail that is passing, and what a failure of the copy means for the mail. */

import { errorText, hasCode } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Capture, CaptureStart, DropWriter, Settlement } from "../drop/types.ts";

/** What became of a copy. */
export type CopyOutcome = "none" | "begun" | "kept" | "dropped" | "failed";

/**
 * A capture under a policy. Nothing here throws: with "refuse" a failure shows in `forbidsDelivery`, with "pass" it is
 * logged and the mail goes on without a copy.
 */
export class MailCopy {
  readonly #onFailure: "refuse" | "pass";
  readonly #log: Logger;
  #capture: Capture | null = null;
  #outcome: CopyOutcome = "none";
  #noSpace = false;
  #size = 0;

  constructor(drop: DropWriter, start: CaptureStart, onFailure: "refuse" | "pass", log: Logger) {
    this.#onFailure = onFailure;
    this.#log = log;
    try {
      this.#capture = drop.begin(start);
      this.#outcome = "begun";
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The capture's id; null where there is none. */
  get id(): string | null {
    return this.#capture?.id ?? null;
  }

  get outcome(): CopyOutcome {
    return this.#outcome;
  }

  /** Octets of the mail so far, copied or not. */
  get size(): number {
    return this.#size;
  }

  /** The copy failed, and without a copy there's no delivery. */
  get forbidsDelivery(): boolean {
    return this.#outcome === "failed" && this.#onFailure === "refuse";
  }

  /** The copy failed for want of space. */
  get noSpace(): boolean {
    return this.#noSpace;
  }

  write(content: Uint8Array): void {
    this.#size += content.length;
    if (this.#outcome !== "begun") return;
    try {
      this.#capture?.write(content);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Makes the copy safe. */
  async seal(): Promise<void> {
    if (this.#outcome !== "begun") return;
    try {
      await this.#capture?.seal();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * The target took the mail, or may have. A failure here changes nothing for the client: the sealed copy is safe, and
   * the next start makes it visible.
   */
  async commit(settlement: Settlement): Promise<void> {
    if (this.#outcome !== "begun") return;
    try {
      await this.#capture?.commit(settlement);
    } catch (error) {
      this.#log.error(
        "The copy {capture} of a mail is safe but can't be made visible: {problem}. It is recovered at the next start.",
        { capture: this.id, problem: errorText(error) },
      );
      this.#capture?.abort();
    }
    this.#outcome = "kept";
  }

  /** The target didn't take the mail: nothing remains. */
  abort(): void {
    if (this.#outcome !== "begun") return;
    this.#outcome = "dropped";
    this.#capture?.abort();
  }

  #fail(error: unknown): void {
    this.#outcome = "failed";
    this.#noSpace = hasCode(error, "disk-full");
    this.#log.error(
      this.#onFailure === "refuse"
        ? "No copy of a mail can be made, so it is refused: {problem}"
        : "No copy of a mail can be made; it is delivered without one: {problem}",
      { capture: this.id, problem: errorText(error) },
    );
    this.#capture?.abort();
  }
}
