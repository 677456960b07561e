import { concatBytes } from "../../src/base/bytes.ts";
import type { Capture, CaptureStart, DropWriter, Settlement } from "../../src/drop/types.ts";
import { textOf } from "../unit/pop3/memory_connection.ts";

/** A capture that became visible; octets are characters up to U+00FF. */
export interface KeptMail {
  readonly start: CaptureStart;
  readonly settlement: Settlement;
  readonly content: string;
}

/** A drop folder in memory that takes no time, so that a session is at rest once no promise is left to settle. */
export class InstantDrop implements DropWriter {
  readonly path = "memory";
  readonly kept: KeptMail[] = [];
  /** Captures that were begun and neither committed nor aborted. */
  readonly open = new Set<Capture>();
  #begun = 0;

  begin(start: CaptureStart): Capture {
    const parts: Uint8Array[] = [];
    let size = 0;
    let sealed = false;
    const capture: Capture = {
      id: String(++this.#begun),
      get size() {
        return size;
      },
      write: (content) => {
        if (sealed) throw new Error("written after the seal");
        parts.push(content.slice());
        size += content.length;
      },
      seal: () => {
        sealed = true;
        return Promise.resolve();
      },
      commit: (settlement: Settlement) => {
        if (!sealed) throw new Error("committed without a seal");
        this.open.delete(capture);
        this.kept.push({ start, settlement, content: textOf(concatBytes(parts)) });
        return Promise.resolve(capture.id);
      },
      abort: () => {
        this.open.delete(capture);
      },
    };
    this.open.add(capture);
    return capture;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
