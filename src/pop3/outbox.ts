/** What a peer is still to get, in order. A mail in it can hold back its end, and with it all that comes behind. */

import { concatBytes } from "../base/bytes.ts";

/** So much goes by one write, unless one piece is larger. */
export const WRITE_BYTES = 64 * 1024;

/** What is put together for a smaller write needs no memory that lasts. */
const SMALL_WRITE_BYTES = 4096;

/** A mail on its way out. */
export interface OutgoingMail {
  /** The peer may have seen some of it. */
  readonly begun: boolean;
  /** Adds octets, which must not change any more. */
  append(bytes: Uint8Array): void;
  /** From now on nothing more of it goes, and nothing behind it, until `release` or `replace`. */
  hold(): void;
  /** Adds its last octets; all of it may go. */
  release(last: Uint8Array): void;
  /** In place of a mail that hasn't begun goes this. */
  replace(reply: Uint8Array): void;
}

/** open: what there is may go, more will come · held: nothing may go · whole: all is there, and may go */
type SegmentState = "open" | "held" | "whole";

/** What is counted of all segments together. */
interface Totals {
  bytes: number;
  heldMails: number;
}

/** A mail, or replies between two mails. */
class Segment implements OutgoingMail {
  parts: Uint8Array[] = [];
  state: SegmentState;
  begun = false;
  readonly #totals: Totals;

  constructor(state: SegmentState, totals: Totals) {
    this.state = state;
    this.#totals = totals;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.parts.push(bytes);
    this.#totals.bytes += bytes.length;
  }

  hold(): void {
    if (this.state !== "held") this.#totals.heldMails++;
    this.state = "held";
  }

  release(last: Uint8Array): void {
    this.append(last);
    if (this.state === "held") this.#totals.heldMails--;
    this.state = "whole";
  }

  replace(reply: Uint8Array): void {
    if (this.begun) throw new Error("the mail can't be replaced any more");
    for (const part of this.parts.splice(0)) this.#totals.bytes -= part.length;
    this.release(reply);
  }

  /** Moves as many parts as there is room for, one at least; gives the room that is left. */
  moveParts(taken: Uint8Array[], room: number): number {
    let count = 0;
    for (const part of this.parts) {
      if (part.length > room && taken.length > 0) break;
      taken.push(part);
      this.#totals.bytes -= part.length;
      room -= part.length;
      count++;
    }
    this.parts.splice(0, count);
    if (count > 0) this.begun = true;
    return room;
  }
}

/** Replies and mails that wait to be written. */
export class Outbox {
  readonly #segments: Segment[] = [];
  readonly #totals: Totals = { bytes: 0, heldMails: 0 };
  /** Parts are put together in here, write after write; making it anew each time took 5 % of the thread's time. */
  #memory: Uint8Array | null = null;

  /** Octets that wait, held back or not. */
  get bytes(): number {
    return this.#totals.bytes;
  }

  get heldMails(): number {
    return this.#totals.heldMails;
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  /** Adds octets, which must not change any more. */
  append(bytes: Uint8Array): void {
    const last = this.#segments.at(-1);
    const segment = last?.state === "whole" ? last : this.#begin("whole");
    segment.append(bytes);
  }

  /** A mail whose octets come from now on; nothing else may be added before it is held or released. */
  beginMail(): OutgoingMail {
    return this.#begin("open");
  }

  /** Takes out what is to be written next, valid until the next call; null where nothing may go now. */
  take(): Uint8Array | null {
    const parts: Uint8Array[] = [];
    let room = WRITE_BYTES;
    for (let first = this.#segments[0]; first !== undefined && first.state !== "held"; first = this.#segments[0]) {
      room = first.moveParts(parts, room);
      if (first.parts.length > 0 || first.state === "open") break;
      this.#segments.shift();
    }
    const [first, ...more] = parts;
    return first === undefined || more.length === 0 ? first ?? null : this.#joined(parts, WRITE_BYTES - room);
  }

  /** Gives memory back that only many writes are worth. */
  forgetMemory(): void {
    this.#memory = null;
  }

  #begin(state: SegmentState): Segment {
    const segment = new Segment(state, this.#totals);
    this.#segments.push(segment);
    return segment;
  }

  #joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
    if (bytes <= SMALL_WRITE_BYTES) return concatBytes(parts);
    const memory = this.#memory ??= new Uint8Array(WRITE_BYTES);
    let end = 0;
    for (const part of parts) {
      memory.set(part, end);
      end += part.length;
    }
    return memory.subarray(0, end);
  }
}
