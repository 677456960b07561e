/**
 * The mail of SMTP's DATA and the multi-line replies of POP3: lines, those that begin with a dot have it doubled, up to
 * a line of one dot (RFC 5321 section 4.5.2, RFC 1939 section 3).
 */

import { concatBytes } from "../base/bytes.ts";
import { TextRuns } from "./text_runs.ts";

const NUL = 0;
const LF = 10;
const CR = 13;
const DOT = 46;

const NONE = new Uint8Array(0);
const CR_BYTE = Uint8Array.of(CR);
const LF_BYTE = Uint8Array.of(LF);
const DOT_BYTE = Uint8Array.of(DOT);
const DOT_CR_BYTES = Uint8Array.of(DOT, CR);

/** What ends a block: a line of one dot. It counts as one only after CRLF, or as the block's first line. */
export const END_MARKER: Uint8Array<ArrayBuffer> = Uint8Array.of(DOT, CR, LF);

const CRLF_END_MARKER = Uint8Array.of(CR, LF, DOT, CR, LF);

/**
 * What becomes of a CR or LF that isn't part of a CRLF.
 * - `"keep"`: it stays; `wire` is octet for octet what came in.
 * - `"normalize"`: it becomes a CRLF in `content`, NULs at the beginning of a line are left out, and `wire` is what a
 *   sender of that content sends: a dot that was to be taken away from the beginning of a line isn't there. Whatever a
 *   receiver takes for the end of a line, and whether or not it ignores NUL or blanks at the end, it then sees the same
 *   lines and the same end.
 * - `"reject"`: as `"normalize"`, for a caller that refuses the mail at its end if there was an offence.
 */
export type DotNewlines = "keep" | "normalize" | "reject";

/** What a mail may not have in DATA: RFC 5321 section 2.3.8, and RFC 5322 section 4 for NUL. */
export type Offence = "bare-cr" | "bare-lf" | "nul";

export interface DotStep {
  /** How many bytes of the chunk belong to the block, the end marker included. */
  readonly consumed: number;
  /** What to pass on, dots doubled, without the end marker. May be a view of the chunk. */
  readonly wire: Uint8Array;
  /** The same as the receiver will have it, dots single. May be a view of the chunk. */
  readonly content: Uint8Array;
  /** True once the end marker has come; `push` must not be called again. */
  readonly ended: boolean;
  /** The first bare newline of the block so far; "nul" where there was none, but a NUL. */
  readonly offence: Offence | null;
}

/** Where in a line the last byte was. Starting as if just after CRLF makes a block without lines possible. */
const enum At {
  LineStart,
  /** In a line, or after a bare newline that stays. */
  Text,
  Cr,
  /** After a dot at the start of a line: held back, since it may begin the end marker. */
  Dot,
  /** After the dot and CR, both held back. */
  DotCr,
  /** After a bare newline that was made a CRLF, or a NUL that was left out: the sender has doubled no dot here. */
  MadeLineStart,
}

/**
 * Finds the end of one block and takes the dots away, chunk by chunk. Only CRLF, dot, CRLF ends it; anything more
 * generous, on either side, lets a mail smuggle in another one (CVE-2023-51764, -51765, -51766).
 */
export class DotReader {
  readonly #normalize: boolean;
  #at: At = At.LineStart;
  #ended = false;
  #bare: Offence | null = null;
  #nul = false;

  constructor(options: { readonly bareNewline: DotNewlines }) {
    this.#normalize = options.bareNewline !== "keep";
  }

  /** Takes the next bytes. How a stream is cut into chunks makes no difference to what comes out in all. */
  push(chunk: Uint8Array): DotStep {
    if (this.#ended) throw new Error("the block has ended");
    const wire = new Output(chunk);
    const content = new Output(chunk);
    const text = new TextRuns(chunk);
    const normalize = this.#normalize;
    // Where the dot that is held back stands; before 0 where it came with an earlier chunk.
    let dot = this.#at === At.Dot ? -1 : this.#at === At.DotCr ? -2 : 0;
    let at = this.#at;
    let i = 0;
    scan:
    while (i < chunk.length) {
      const byte = chunk[i] ?? NUL;
      switch (at) {
        case At.Text:
          if (byte > CR) {
            i = text.end(i + 1);
          } else if (byte === CR) {
            at = At.Cr;
            i++;
          } else if (byte === LF) {
            this.#bare ??= "bare-lf";
            if (normalize) {
              wire.insert(i, CR_BYTE);
              content.insert(i, CR_BYTE);
              at = At.MadeLineStart;
            }
            i++;
          } else {
            if (byte === NUL) this.#nul = true;
            i++;
          }
          break;
        case At.Cr:
          if (byte === LF) {
            at = At.LineStart;
            i++;
            break;
          }
          this.#bare ??= "bare-cr";
          at = At.Text;
          if (normalize) {
            wire.insert(i, LF_BYTE);
            content.insert(i, LF_BYTE);
            at = At.MadeLineStart;
          }
          break;
        case At.LineStart:
          at = At.Text;
          if (byte === DOT) {
            at = At.Dot;
            dot = i++;
          } else if (byte === NUL && normalize) {
            at = At.MadeLineStart;
          }
          break;
        case At.Dot:
          if (byte === CR) {
            at = At.DotCr;
            i++;
            break;
          }
          at = byte === NUL && normalize ? At.MadeLineStart : At.Text;
          content.skip(dot, i);
          // Before blanks, or what is left out or made a CRLF, the dot would be an end marker to some.
          if (normalize && byte !== DOT) wire.skip(dot, i);
          else if (dot < 0) wire.insert(0, DOT_BYTE);
          break;
        case At.DotCr:
          if (byte === LF) {
            this.#ended = true;
            break scan;
          }
          at = At.Cr;
          content.skip(dot, dot + 1);
          if (dot === -2) content.insert(0, CR_BYTE);
          // With the CR made a CRLF, the dot would become an end marker.
          if (normalize) {
            wire.skip(dot, dot + 1);
            if (dot === -2) wire.insert(0, CR_BYTE);
          } else if (dot < 0) {
            wire.insert(0, dot === -2 ? DOT_CR_BYTES : DOT_BYTE);
          }
          break;
        case At.MadeLineStart:
          if (byte === NUL) {
            this.#nul = true;
            wire.skip(i, i + 1);
            content.skip(i, i + 1);
          } else {
            at = At.Text;
            if (byte !== DOT) break;
            wire.insert(i, DOT_BYTE);
          }
          i++;
          break;
      }
    }
    this.#at = at;
    const end = at === At.Dot || at === At.DotCr ? Math.max(0, dot) : chunk.length;
    return {
      consumed: this.#ended ? i + 1 : chunk.length,
      wire: wire.upTo(end),
      content: content.upTo(end),
      ended: this.#ended,
      offence: this.#bare ?? (this.#nul ? "nul" : null),
    };
  }
}

/** A chunk with some bytes left out and others put in; the chunk itself where there are none of either. */
class Output {
  readonly #chunk: Uint8Array;
  readonly #parts: Uint8Array[] = [];
  #from = 0;

  constructor(chunk: Uint8Array) {
    this.#chunk = chunk;
  }

  /** Puts bytes in before the chunk's byte at `index`. */
  insert(index: number, bytes: Uint8Array): void {
    if (index > this.#from) this.#parts.push(this.#chunk.subarray(this.#from, index));
    this.#parts.push(bytes);
    this.#from = index;
  }

  /** Leaves out the chunk's bytes from `start` to `end`; what is before 0 was never put in. */
  skip(start: number, end: number): void {
    if (start > this.#from) this.#parts.push(this.#chunk.subarray(this.#from, start));
    this.#from = Math.max(0, end);
  }

  upTo(end: number): Uint8Array {
    const rest = end > this.#from ? this.#chunk.subarray(this.#from, end) : NONE;
    if (this.#parts.length === 0) return rest;
    this.#parts.push(rest);
    return concatBytes(this.#parts);
  }
}

/** Doubles the dots at the beginning of lines, chunk by chunk. */
export class DotEncoder {
  #at: At = At.LineStart;

  /** Takes the content's next bytes and gives them as they go over the wire; a view of the chunk where no dot is added. */
  push(chunk: Uint8Array): Uint8Array {
    const wire = new Output(chunk);
    const text = new TextRuns(chunk);
    let at = this.#at;
    for (let i = 0; i < chunk.length;) {
      const byte = chunk[i] ?? NUL;
      if (byte === DOT && at === At.LineStart) wire.insert(i, DOT_BYTE);
      if (byte === LF) at = at === At.Cr ? At.LineStart : At.Text;
      else at = byte === CR ? At.Cr : At.Text;
      i = byte > CR ? text.end(i + 1) : i + 1;
    }
    this.#at = at;
    return wire.upTo(chunk.length);
  }

  /** What ends the block: the end marker, after a CRLF where the content doesn't end in one. */
  finish(): Uint8Array {
    return this.#at === At.LineStart ? END_MARKER : CRLF_END_MARKER;
  }
}

/** A whole content as it goes over the wire, its end marker included. */
export function stuff(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = new DotEncoder();
  return concatBytes([encoder.push(content), encoder.finish()]);
}
