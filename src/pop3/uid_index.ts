/** UIDs of a session's messages, by message number (RFC 1939 section 7, UIDL). */

import { decodeUtf8 } from "../base/bytes.ts";
import type { UidQuestions } from "./session_state.ts";

/** How many UIDs are kept at most; those of further messages are asked for one by one. */
const MAX_UIDS = 200_000;
/** RFC 1939 allows 70 characters; servers exceed it. */
const MAX_UID_BYTES = 512;

const LF = 0x0a;
const SPACE = 0x20;
const NOTHING = new Uint8Array(0);

/**
 * What is known of the UIDs: from listings that pass to the client, from the proxy's own, and from single answers.
 * Message numbers keep their meaning for a whole session, so what is known stays true.
 */
export class UidIndex implements UidQuestions {
  readonly #uids = new Map<number, string>();
  readonly #maxUids: number;
  /** Messages of which the target doesn't tell the UID. */
  readonly #without = new Set<number>();
  /** The last answer for one message, which may have no room among the others. */
  #answer: { readonly number: number; readonly uid: string } | null = null;
  /** A whole listing was seen to its end. */
  #listed = false;
  /** Not all of the listing could be kept. */
  #overflowed = false;
  #unsupported = false;

  constructor(maxUids: number = MAX_UIDS) {
    this.#maxUids = maxUids;
  }

  /** The UID of a message; null where it isn't known. */
  uidOf(number: number): string | null {
    return this.#uids.get(number) ?? (this.#answer?.number === number ? this.#answer.uid : null);
  }

  questionFor(number: number): "all" | "one" | null {
    if (this.#unsupported || this.#without.has(number) || this.uidOf(number) !== null) return null;
    if (!this.#listed) return "all";
    return this.#overflowed ? "one" : null;
  }

  /** Takes a line `7 uid` of a listing. */
  add(line: Uint8Array): void {
    const entry = parseEntry(line);
    if (entry === null) return;
    if (this.#uids.size < this.#maxUids) this.#uids.set(entry.number, entry.uid);
    else this.#overflowed = true;
  }

  /** Takes the answer `+OK 7 uid` to the UIDL of one message. */
  addAnswer(line: Uint8Array): void {
    this.#answer = parseEntry(line.subarray(line.indexOf(SPACE) + 1)) ?? this.#answer;
  }

  /** The target refused to tell the UID of a message, or of any (null). */
  refuse(number: number | null): void {
    if (number === null) this.#unsupported = true;
    else if (this.#without.size < this.#maxUids) this.#without.add(number);
  }

  /** A whole listing has come to its end. */
  complete(): void {
    this.#listed = true;
  }
}

function parseEntry(line: Uint8Array): { readonly number: number; readonly uid: string } | null {
  const [, number, uid] = /^(\d{1,10}) +(\S+)/.exec(decodeUtf8(line)) ?? [];
  return number === undefined || uid === undefined ? null : { number: Number(number), uid };
}

/** The lines of a block that comes in pieces, each given without its line end; overlong ones are cut off. */
export class LineSplitter {
  readonly #take: (line: Uint8Array) => void;
  #rest: Uint8Array = NOTHING;

  constructor(take: (line: Uint8Array) => void) {
    this.#take = take;
  }

  push(content: Uint8Array): void {
    let start = 0;
    for (let end = content.indexOf(LF); end >= 0; end = content.indexOf(LF, start)) {
      this.#take(this.#joined(content.subarray(start, end)));
      this.#rest = NOTHING;
      start = end + 1;
    }
    if (start < content.length) this.#rest = this.#joined(content.subarray(start)).slice();
  }

  #joined(piece: Uint8Array): Uint8Array {
    const kept = piece.subarray(0, MAX_UID_BYTES - this.#rest.length);
    if (this.#rest.length === 0) return kept;
    const joined = new Uint8Array(this.#rest.length + kept.length);
    joined.set(this.#rest);
    joined.set(kept, this.#rest.length);
    return joined;
  }
}
