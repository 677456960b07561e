import { concatBytes } from "../base/bytes.ts";
import type { DotStep } from "../net/dot_stream.ts";

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const NOTHING = new Uint8Array(0);

/**
 * Reads the block of a server that ends its lines with LF alone, as its status line has shown: there a line of one dot
 * ends the block whatever the line ends are. The octets stay as they are, as with `DotReader`'s "keep". For other
 * servers this would be wrong: a mail may hold LF, dot, LF.
 */
export class LfBlockReader {
  /** A dot that may be the end marker's, and a CR after it. */
  #held: Uint8Array = NOTHING;
  #atLineStart = true;

  /** As `DotReader.push`. */
  push(chunk: Uint8Array): DotStep {
    const held = this.#held.length;
    const data = held === 0 ? chunk : concatBytes([this.#held, chunk]);
    const content: Uint8Array[] = [];
    this.#held = NOTHING;
    let position = 0;
    while (position < data.length) {
      let start = position;
      if (this.#atLineStart && data[position] === DOT) {
        const marker = markerLength(data.subarray(position, position + 3));
        if (marker === "more") {
          this.#held = data.slice(position);
          return stepOf(chunk.length, data.subarray(0, position), content, false);
        }
        if (marker > 0) {
          return stepOf(position + marker - held, data.subarray(0, position), content, true);
        }
        start++;
      }
      const lineFeed = data.indexOf(LF, start);
      this.#atLineStart = lineFeed >= 0;
      position = lineFeed < 0 ? data.length : lineFeed + 1;
      content.push(data.subarray(start, position));
    }
    return stepOf(chunk.length, data, content, false);
  }
}

/** The length of the end marker at the beginning of a line; 0 where there is none. */
function markerLength(line: Uint8Array): number | "more" {
  const [, second, third] = line;
  if (second === LF) return 2;
  if (second === CR && third === LF) return 3;
  return second === undefined || (second === CR && third === undefined) ? "more" : 0;
}

function stepOf(consumed: number, wire: Uint8Array, content: readonly Uint8Array[], ended: boolean): DotStep {
  return { consumed, wire, content: concatBytes(content), ended, offence: null };
}
