/** What a peer is still to get, in order. A mail in it can hold back its end, and with it all that comes behind. */

import { concatBytes } from "../base/bytes.ts";

/** So much goes by one write, unless one piece is larger. */
export const WRITE_BYTES = 64 * 1024;

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

/** A mail, or replies between two mails. */
class Segment {
  parts: Uint8Array[] = [];
  state: SegmentState;
  begun = false;

  constructor(state: SegmentState) {
    this.state = state;
  }
}

/** Replies and mails that wait to be written. */
export class Outbox {
  readonly #segments: Segment[] = [];
  #bytes = 0;
  #heldMails = 0;

  /** Octets that wait, held back or not. */
  get bytes(): number {
    return this.#bytes;
  }

  get heldMails(): number {
    return this.#heldMails;
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  /** Adds octets, which must not change any more. */
  append(bytes: Uint8Array): void {
    const last = this.#segments.at(-1);
    if (last?.state === "whole") return this.#add(last, bytes);
    const segment = new Segment("whole");
    this.#segments.push(segment);
    this.#add(segment, bytes);
  }

  /** A mail whose octets come from now on; nothing else may be added before it is held or released. */
  beginMail(): OutgoingMail {
    const segment = new Segment("open");
    this.#segments.push(segment);
    return {
      get begun() {
        return segment.begun;
      },
      append: (bytes) => this.#add(segment, bytes),
      hold: () => this.#turn(segment, "held"),
      release: (last) => {
        this.#add(segment, last);
        this.#turn(segment, "whole");
      },
      replace: (reply) => {
        if (segment.begun) throw new Error("the mail can't be replaced any more");
        for (const part of segment.parts.splice(0)) this.#bytes -= part.length;
        this.#add(segment, reply);
        this.#turn(segment, "whole");
      },
    };
  }

  /** Takes out what is to be written next; null where nothing may go now. */
  take(): Uint8Array | null {
    const parts: Uint8Array[] = [];
    let room = WRITE_BYTES;
    for (let first = this.#segments[0]; first !== undefined && first.state !== "held"; first = this.#segments[0]) {
      room = takeParts(first, parts, room);
      if (first.parts.length > 0 || first.state === "open") break;
      this.#segments.shift();
    }
    const [first, ...more] = parts;
    if (first === undefined) return null;
    const bytes = more.length === 0 ? first : concatBytes(parts);
    this.#bytes -= bytes.length;
    return bytes;
  }

  #add(segment: Segment, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    segment.parts.push(bytes);
    this.#bytes += bytes.length;
  }

  #turn(segment: Segment, state: "held" | "whole"): void {
    if (segment.state === "held") this.#heldMails--;
    if (state === "held") this.#heldMails++;
    segment.state = state;
  }
}

/** Moves as many parts as there is room for, one at least; gives the room that is left. */
function takeParts(segment: Segment, taken: Uint8Array[], room: number): number {
  let count = 0;
  for (const part of segment.parts) {
    if (part.length > room && taken.length > 0) break;
    taken.push(part);
    room -= part.length;
    count++;
  }
  segment.parts.splice(0, count);
  if (count > 0) segment.begun = true;
  return room;
}
