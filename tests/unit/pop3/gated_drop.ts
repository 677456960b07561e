import type { Capture, CaptureStart } from "../../../src/drop/types.ts";
import { MemoryDrop } from "../../dialogs/memory_drop.ts";

/** A drop folder in memory, where the test decides about the flush of each copy. */
export class GatedDrop extends MemoryDrop {
  readonly #gates = new Map<number, PromiseWithResolvers<void>>();
  /** Message numbers of the copies that are being flushed. */
  readonly flushing = new Set<number>();

  /** The flush of the copy of this message comes to its end. */
  finishFlush(number: number): void {
    this.#gate(number).resolve();
  }

  /** The flush of the copy of this message fails. */
  failFlush(number: number): void {
    this.#gate(number).reject(new Error("the flush was told to fail"));
  }

  /** Message numbers of the copies that are visible, oldest first. */
  get keptNumbers(): (number | undefined)[] {
    return this.kept.map(({ start }) => start.pop3?.messageNumber);
  }

  override begin(start: CaptureStart): Capture {
    const capture = super.begin(start);
    const number = start.pop3?.messageNumber ?? 0;
    return {
      id: capture.id,
      get size() {
        return capture.size;
      },
      write: (content) => capture.write(content),
      seal: async () => {
        this.flushing.add(number);
        try {
          await this.#gate(number).promise;
        } finally {
          this.flushing.delete(number);
        }
        await capture.seal();
      },
      commit: (settlement) => capture.commit(settlement),
      abort: () => capture.abort(),
    };
  }

  #gate(number: number): PromiseWithResolvers<void> {
    const gate = this.#gates.get(number) ?? Promise.withResolvers<void>();
    this.#gates.set(number, gate);
    return gate;
  }
}
