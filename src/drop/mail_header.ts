/** The little that a capture takes from the mail itself: where its header ends, and four of its fields. */

import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";

const LF = 0x0a;
const CR = 0x0d;

/** Finds the end of a mail's header: the first line that is empty, ended by CRLF or LF. Fed in pieces of any size. */
export class HeaderEnd {
  #passed = 0;
  #state: "line-start" | "cr-at-line-start" | "in-line" | "found" = "line-start";

  /** Octets up to and including the empty line; null while it hasn't come. */
  get size(): number | null {
    return this.#state === "found" ? this.#passed : null;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && this.#state !== "found";) {
      if (this.#state === "in-line") {
        const lf = chunk.indexOf(LF, at);
        if (lf < 0) break;
        at = lf + 1;
        this.#state = "line-start";
      } else if (chunk[at] === LF) {
        this.#passed += at + 1;
        this.#state = "found";
      } else {
        this.#state = this.#state === "line-start" && chunk[at] === CR ? "cr-at-line-start" : "in-line";
        at++;
      }
    }
    if (this.#state !== "found") this.#passed += chunk.length;
  }
}

/** Fields of a mail as one safe line each, without control characters; "" where the mail has no such field. */
export interface MailFields {
  /** As it stands in the mail, so with its encoded words. */
  readonly subject: string;
  readonly messageId: string;
  /** The address without angle brackets, as the delivering server noted it (RFC 5321 section 4.4). */
  readonly returnPath: string;
}

/** A value longer than this many bytes is cut, so that a line holds it (RFC 5322 section 2.1.1: 998). */
const MAX_VALUE_BYTES = 900;

/** Takes the fields from the start of a mail, at least up to the empty line or as far as one wants to look. */
export function mailFields(start: Uint8Array): MailFields {
  const text = "\n" + decodeUtf8(start);
  return {
    subject: fieldValue(text, "subject"),
    messageId: fieldValue(text, "message-id"),
    returnPath: fieldValue(text, "return-path").replace(/^<(.*)>$/, "$1"),
  };
}

/** The first field of that name, unfolded (RFC 5322 section 2.2.3). */
function fieldValue(header: string, name: "subject" | "message-id" | "return-path"): string {
  const match = FIELDS[name].exec(header);
  return cutToBytes(oneLine(match?.[1] ?? ""), MAX_VALUE_BYTES);
}

const FIELDS = {
  "subject": fieldPattern("subject"),
  "message-id": fieldPattern("message-id"),
  "return-path": fieldPattern("return-path"),
};

function fieldPattern(name: string): RegExp {
  return new RegExp(`\\n${name}[ \\t]*:([^\\n]*(?:\\n[ \\t][^\\n]*)*)`, "i");
}

/** A text on one line: line ends, control characters and line separators become spaces. */
export function oneLine(text: string): string {
  return text.replaceAll(/\r?\n(?=[ \t])/g, "").replaceAll(/[\p{Cc}\u2028\u2029]/gu, " ").trim();
}

function cutToBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = encodeUtf8(text);
  if (bytes.length <= maxBytes) return text;
  return decodeUtf8(bytes.subarray(0, maxBytes)).replace(/\uFFFD+$/, "") + "...";
}

/** Bytes of UTF-8 in one encoded word, which may be 75 characters long (RFC 2047 section 2). */
const ENCODED_WORD_BYTES = 45;

/** A header field's value in ASCII: as it is, or in encoded words of UTF-8, folded (RFC 2047). */
export function encodedHeaderValue(line: string): string {
  if (/^[\x20-\x7e]*$/.test(line)) return line;
  const words: string[] = [];
  let word = "";
  let length = 0;
  for (const character of line) {
    const size = encodeUtf8(character).length;
    if (length + size > ENCODED_WORD_BYTES) {
      words.push(word);
      [word, length] = ["", 0];
    }
    word += character;
    length += size;
  }
  words.push(word);
  return words.map((text) => `=?utf-8?B?${encodeUtf8(text).toBase64()}?=`).join("\r\n ");
}
