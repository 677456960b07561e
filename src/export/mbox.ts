/**
 * mbox in the form "mboxrd": each mail begins with a `From ` line and ends with an empty one, and a `>` goes before every
 * line of it that looks like `From `, with or without `>` before it, so that the way back is certain. Lines end with LF
 * (RFC 4155, appendix A).
 */

import { encodeUtf8 } from "../base/bytes.ts";
import type { Octets, OutgoingMail } from "./types.ts";

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x3e;
const FROM = encodeUtf8("From ");
const QUOTE_BYTES = encodeUtf8(">");
const LF_BYTES = encodeUtf8("\n");

/** One mail as it stands in an mbox. */
export async function* mboxEntry(mail: OutgoingMail): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  yield encodeUtf8(`From ${fromLineSender(mail.sender)} ${asctime(mail.date)}\n`);
  yield* quoteMail(mail.content);
  yield LF_BYTES;
}

/** An address in which no space ends the field early. */
function fromLineSender(sender: string): string {
  return sender === "" ? "MAILER-DAEMON" : sender.replaceAll(/[\s\p{Cc}]+/gu, "_");
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** C's `asctime` in UTC: `Tue Nov  3 11:55:01 2026`. */
function asctime(date: Date): string {
  const day = String(date.getUTCDate()).padStart(2);
  const time = date.toISOString().slice(11, 19);
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${day} ${time} ${date.getUTCFullYear()}`;
}

/** A mail's octets with CRLF as LF, `From ` lines quoted, and a line end after the last line. */
async function* quoteMail(content: Octets): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const quoter = new LineQuoter();
  for await (const chunk of content) yield* quoter.take(chunk);
  yield* quoter.end();
}

/** Quotes chunk by chunk; holds back at most the few octets that can't be judged without the next ones. */
class LineQuoter {
  #held = new Uint8Array(0);
  #atLineStart = true;
  #complete = true;

  *take(chunk: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    const bytes = this.#withHeld(chunk);
    let at = 0;
    while (at < bytes.length) {
      if (this.#atLineStart) {
        const quotes = countQuotes(bytes, at);
        const matched = matchedFrom(bytes, at + quotes);
        if (matched < FROM.length && at + quotes + matched === bytes.length) {
          yield bytes.subarray(at, at + quotes);
          this.#held = bytes.slice(at + quotes);
          this.#complete &&= quotes === 0;
          return;
        }
        if (matched === FROM.length) yield QUOTE_BYTES;
        this.#atLineStart = false;
      }
      const lineEnd = bytes.indexOf(LF, at);
      if (lineEnd < 0) {
        const last = bytes[bytes.length - 1] === CR ? bytes.length - 1 : bytes.length;
        yield bytes.subarray(at, last);
        this.#held = bytes.slice(last);
        this.#complete = false;
        return;
      }
      yield bytes.subarray(at, lineEnd > at && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd);
      yield LF_BYTES;
      at = lineEnd + 1;
      this.#atLineStart = true;
      this.#complete = true;
    }
  }

  *end(): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    yield this.#held;
    if (!this.#complete || this.#held.length > 0) yield LF_BYTES;
  }

  #withHeld(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (this.#held.length === 0) return chunk;
    const bytes = new Uint8Array(this.#held.length + chunk.length);
    bytes.set(this.#held);
    bytes.set(chunk, this.#held.length);
    this.#held = new Uint8Array(0);
    return bytes;
  }
}

function countQuotes(bytes: Uint8Array, at: number): number {
  let count = 0;
  while (bytes[at + count] === QUOTE) count++;
  return count;
}

/** How many octets of `From ` stand at a place, from its first on. */
function matchedFrom(bytes: Uint8Array, at: number): number {
  let count = 0;
  while (count < FROM.length && bytes[at + count] === FROM[count]) count++;
  return count;
}
