import { concatBytes } from "../../src/base/bytes.ts";
import type { Capture, CaptureStart, DropWriter, Settlement } from "../../src/drop/types.ts";
import type { Random } from "./random.ts";
import { textOf } from "../unit/pop3/memory_connection.ts";

/** A capture that became visible; octets are characters up to U+00FF. */
export interface KeptMail {
  readonly start: CaptureStart;
  readonly settlement: Settlement;
  readonly content: string;
}

/** Most turns of the event loop that a flush or a rename takes. */
const MOST_TURNS = 4;

/** A drop folder in memory that takes its time, but tells when it is at rest. */
export class FuzzedDrop implements DropWriter {
  readonly path = "memory";
  readonly kept: KeptMail[] = [];
  /** Captures that were begun and neither committed nor aborted. */
  readonly open = new Set<Capture>();
  readonly #random: Random;
  #begun = 0;
  #underWay = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A flush or a rename is under way. */
  get busy(): boolean {
    return this.#underWay > 0;
  }

  begin(start: CaptureStart): Capture {
    const parts: Uint8Array[] = [];
    let size = 0;
    let sealing = false;
    let sealed = false;
    const capture: Capture = {
      id: String(++this.#begun),
      get size() {
        return size;
      },
      write: (content) => {
        if (sealing) throw new Error("written after the seal");
        parts.push(content.slice());
        size += content.length;
      },
      seal: async () => {
        sealing = true;
        await this.#takeTime();
        sealed = true;
      },
      commit: async (settlement: Settlement) => {
        if (!sealed) throw new Error("committed without a seal");
        await this.#takeTime();
        this.open.delete(capture);
        this.kept.push({ start, settlement, content: textOf(concatBytes(parts)) });
        return capture.id;
      },
      abort: () => {
        this.open.delete(capture);
      },
    };
    this.open.add(capture);
    return capture;
  }

  async #takeTime(): Promise<void> {
    this.#underWay++;
    for (let turns = this.#random.below(MOST_TURNS + 1); turns > 0; turns--) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#underWay--;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
