/** A drop folder in memory, whose every step can be made to fail or to wait. */

import { concatBytes } from "../../src/base/bytes.ts";
import { type ErrorCode, MailteeError } from "../../src/base/errors.ts";
import type { Capture, CaptureStart, DropWriter, Settlement } from "../../src/drop/types.ts";

const COMMIT_MS = 2;

/** A capture that became visible. */
export interface KeptCapture {
  readonly id: string;
  readonly start: CaptureStart;
  readonly settlement: Settlement;
  readonly mail: Uint8Array<ArrayBuffer>;
}

export class MemoryDrop implements DropWriter {
  readonly path = "memory";
  /** Visible captures, oldest first. */
  readonly kept: KeptCapture[] = [];
  /** Captures that were begun and neither committed nor aborted. */
  readonly open = new Set<MemoryCapture>();
  begun = 0;
  #failure: { at: string; code: ErrorCode } | null = null;
  #held: PromiseWithResolvers<void> | null = null;

  /** From now on the step fails with that code; "ok" for none. */
  fail(at: string, code: string): void {
    this.#failure = at === "ok" ? null : { at, code: code === "disk-full" ? "disk-full" : "io" };
  }

  holdSeals(): void {
    this.#held = Promise.withResolvers();
  }

  releaseSeals(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  /** Throws where this step was told to fail. */
  check(at: "begin" | "write" | "seal" | "commit"): void {
    if (this.#failure?.at === at) throw new MailteeError(this.#failure.code, `${at} was told to fail`);
  }

  async sealing(): Promise<void> {
    await this.#held?.promise;
  }

  begin(start: CaptureStart): Capture {
    this.check("begin");
    const capture = new MemoryCapture(this, `capture-${++this.begun}`, start);
    this.open.add(capture);
    return capture;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class MemoryCapture implements Capture {
  readonly id: string;
  readonly #drop: MemoryDrop;
  readonly #start: CaptureStart;
  readonly #parts: Uint8Array[] = [];
  #state: "writing" | "sealed" | "failed" | "over" = "writing";
  size = 0;

  constructor(drop: MemoryDrop, id: string, start: CaptureStart) {
    this.#drop = drop;
    this.id = id;
    this.#start = structuredClone(start);
  }

  write(content: Uint8Array): void {
    this.#expect("writing");
    this.#checked("write");
    this.#parts.push(content.slice());
    this.size += content.length;
  }

  async seal(): Promise<void> {
    this.#expect("writing");
    await this.#drop.sealing();
    this.#expect("writing");
    this.#checked("seal");
    this.#state = "sealed";
  }

  /** Takes a moment, so that an answer which doesn't wait for it comes before it. */
  async commit(settlement: Settlement): Promise<string> {
    this.#expect("sealed");
    this.#checked("commit");
    await new Promise((resolve) => setTimeout(resolve, COMMIT_MS));
    this.#state = "over";
    this.#drop.open.delete(this);
    this.#drop.kept.push({ id: this.id, start: this.#start, settlement, mail: concatBytes(this.#parts) });
    return `memory/${this.id}`;
  }

  abort(): void {
    this.#state = "over";
    this.#drop.open.delete(this);
  }

  #expect(state: "writing" | "sealed"): void {
    if (this.#state !== state) throw new Error(`capture is ${this.#state}, not ${state}`);
  }

  #checked(at: "write" | "seal" | "commit"): void {
    try {
      this.#drop.check(at);
    } catch (error) {
      this.#state = "failed";
      throw error;
    }
  }
}
