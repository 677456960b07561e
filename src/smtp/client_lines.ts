/** A client's lines out of its leg's input, one at a time. */

import { takeLine } from "../net/line_reader.ts";
import type { Leg } from "./leg.ts";
import type { LineProblem } from "./session_state.ts";

export type ClientLine =
  /** Without its end. */
  | { readonly kind: "line"; readonly line: Uint8Array }
  | { readonly kind: "bad"; readonly problem: LineProblem }
  | { readonly kind: "more" };

const LF = 0x0a;
/** "AUTH " with the case bit of each byte set; the space has it already. */
const AUTH_PREFIX = [0x61, 0x75, 0x74, 0x68, 0x20];
const MORE: ClientLine = { kind: "more" };

/**
 * Bounded lines. Whatever is wrong with one, reading goes on after its end, so that one side never takes for a command
 * what the other takes for the rest of a line.
 */
export class ClientLines {
  readonly #client: Leg;
  readonly #bareNewline: "accept-lf" | "reject";
  /** Bytes of the current line, its end included; 0 before `next` gave one. */
  #taken = 0;
  /** The rest of a line that is too long is being dropped. */
  #dropping = false;

  /** @param bareNewline "normalize" takes a line that ends in LF alone, as many servers do; a lone CR never passes */
  constructor(client: Leg, bareNewline: "normalize" | "reject") {
    this.#client = client;
    this.#bareNewline = bareNewline === "normalize" ? "accept-lf" : "reject";
  }

  /** The next line, which stays the next until `consume`. Limits are in bytes, line end included. */
  next(maxBytes: number, maxAuthBytes: number): ClientLine {
    if (this.#dropping) return this.#dropRest();
    const { buffered } = this.#client;
    const limit = isAuth(buffered) ? Math.max(maxBytes, maxAuthBytes) : maxBytes;
    const taken = takeLine(buffered, { maxBytes: limit, bareNewline: this.#bareNewline });
    switch (taken.kind) {
      case "more":
        return MORE;
      case "too-long":
        if (taken.consumed === 0) {
          this.#dropping = true;
          return this.#dropRest();
        }
        this.#taken = taken.consumed;
        return { kind: "bad", problem: "too-long" };
      case "whole":
        this.#taken = taken.consumed;
        if (taken.line.kind === "line") return taken.line;
        return { kind: "bad", problem: taken.line.bare === "cr" ? "bare-cr" : "bare-lf" };
    }
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

  #dropRest(): ClientLine {
    const { buffered, connection } = this.#client;
    const end = buffered.indexOf(LF);
    if (end < 0) {
      connection.consume(buffered.length);
      return MORE;
    }
    this.#dropping = false;
    this.#taken = end + 1;
    return { kind: "bad", problem: "too-long" };
  }
}

function isAuth(buffered: Uint8Array): boolean {
  return AUTH_PREFIX.every((byte, index) => ((buffered[index] ?? 0) | 0x20) === byte);
}
