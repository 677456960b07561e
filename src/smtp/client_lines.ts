/** A client's lines out of its leg's input, one at a time. */

import type { Leg } from "./leg.ts";

export type ClientLine =
  /** Without its end; a view, valid until `consume`. */
  | { readonly kind: "line"; readonly line: Uint8Array }
  /** A line was dropped, up to its true end. */
  | { readonly kind: "bad"; readonly problem: "too-long" | "bare-newline" }
  | { readonly kind: "more" };

const LF = 0x0a;
const CR = 0x0d;
/** "AUTH " in either case, byte by byte with the case bit set; space has it already. */
const AUTH_PREFIX = [0x61, 0x75, 0x74, 0x68, 0x20];
const MORE: ClientLine = { kind: "more" };

/**
 * Bounded lines. Whatever is wrong with one, reading goes on after its end, so that one side never takes for a command
 * what the other takes for the rest of a line.
 */
export class ClientLines {
  readonly #client: Leg;
  readonly #bareNewline: "normalize" | "reject";
  /** Bytes of the current line, its end included; 0 before `next` gave one. */
  #taken = 0;
  /** The rest of a line that is too long is being dropped. */
  #dropping = false;

  /** @param bareNewline "normalize" takes a line that ends in LF alone, as many servers do; a lone CR never passes */
  constructor(client: Leg, bareNewline: "normalize" | "reject") {
    this.#client = client;
    this.#bareNewline = bareNewline;
  }

  /** The next line, which stays the next until `consume`. Lengths are in bytes, CRLF included. */
  next(maxBytes: number, maxAuthBytes: number): ClientLine {
    const { buffered } = this.#client;
    const lineFeed = buffered.indexOf(LF);
    const limit = isAuth(buffered) ? Math.max(maxBytes, maxAuthBytes) : maxBytes;
    const length = lineFeed < 0 ? buffered.length : lineFeed + 1;
    if (lineFeed < 0 && (this.#dropping || length > limit)) {
      this.#dropping = true;
      this.#client.connection.consume(length);
      return MORE;
    }
    if (lineFeed < 0) return MORE;
    this.#taken = length;
    if (this.#dropping || length > limit) {
      this.#dropping = false;
      return { kind: "bad", problem: "too-long" };
    }
    const proper = buffered[lineFeed - 1] === CR;
    const line = buffered.subarray(0, proper ? lineFeed - 1 : lineFeed);
    const bad = line.includes(CR) || (!proper && this.#bareNewline === "reject");
    return bad ? { kind: "bad", problem: "bare-newline" } : { kind: "line", line };
  }

  /** True where more has come in after the current line. */
  get hasMore(): boolean {
    return this.#client.buffered.length > this.#taken;
  }

  /** Goes on to the next line. */
  consume(): void {
    this.#client.connection.consume(this.#taken);
    this.#taken = 0;
  }
}

function isAuth(buffered: Uint8Array): boolean {
  return AUTH_PREFIX.every((byte, index) => ((buffered[index] ?? 0) | 0x20) === byte);
}
