/** A client's lines out of its leg's input, one at a time. */

import { takeLine } from "../net/line_reader.ts";
import type { Leg } from "./leg.ts";

export type ClientLine =
  | { readonly kind: "line"; readonly line: Uint8Array }
  | { readonly kind: "bad"; readonly problem: "too-long" | "bad-line-end" }
  | { readonly kind: "more" };

/** RFC 5034 section 4: a line of an AUTH exchange, its line end included. */
const MAX_AUTH_LINE_BYTES = 12_288;

const LF = 0x0a;
const LETTER_A = 0x61;
/** The bit that tells a small letter from a capital one. */
const LOWER_CASE = 0x20;
const MORE: ClientLine = { kind: "more" };
const TOO_LONG: ClientLine = { kind: "bad", problem: "too-long" };

/**
 * Bounded lines. An LF without CR ends one too: each line is written anew for the target, so both sides see the same.
 * What follows a line that is too long is not taken for a command before its end has come.
 */
export class ClientLines {
  readonly #client: Leg;
  readonly #maxBytes: number;
  /** The rest of a line that is too long is being dropped. */
  #dropping = false;

  constructor(client: Leg, maxBytes: number) {
    this.#client = client;
    this.#maxBytes = maxBytes;
  }

  /** Takes the next line. `inExchange`: it is a response of an AUTH exchange. */
  take(inExchange: boolean): ClientLine {
    const { buffered, connection } = this.#client;
    if (this.#dropping) return this.#dropRest();
    const maxBytes = inExchange || beginsWithAuth(buffered)
      ? Math.max(this.#maxBytes, MAX_AUTH_LINE_BYTES)
      : this.#maxBytes;
    const taken = takeLine(buffered, { maxBytes, bareNewline: "accept-lf" });
    switch (taken.kind) {
      case "more":
        return MORE;
      case "too-long":
        this.#dropping = true;
        return this.#dropRest();
      case "whole":
        connection.consume(taken.consumed);
        return taken.line.kind === "line" ? taken.line : { kind: "bad", problem: "bad-line-end" };
    }
  }

  #dropRest(): ClientLine {
    const { buffered, connection } = this.#client;
    const end = buffered.indexOf(LF);
    connection.consume(end < 0 ? buffered.length : end + 1);
    if (end < 0) return MORE;
    this.#dropping = false;
    return TOO_LONG;
  }
}

function beginsWithAuth(buffered: Uint8Array): boolean {
  if (((buffered[0] ?? 0) | LOWER_CASE) !== LETTER_A) return false;
  return /^auth /i.test(String.fromCharCode(...buffered.subarray(0, 5)));
}
