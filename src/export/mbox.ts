/**
 * mbox in the form "mboxrd": each mail begins with a `From ` line and ends with an empty one, and a `>` goes before every
 * line of it that looks like `From `, with or without `>` before it, so that the way back is certain. Lines end with LF
 * (RFC 4155, appendix A).
 */

import { concatBytes, encodeUtf8 } from "../base/bytes.ts";
import type { Octets, OutgoingMail } from "./types.ts";

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x3e;
const FROM = encodeUtf8("From ");
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
  for await (const chunk of content) yield quoter.take(chunk);
  yield quoter.end();
}

/** Quotes chunk by chunk; holds back at most the few octets that can't be judged without the next ones. */
class LineQuoter {
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #atLineStart = true;
  /** False where the last line has octets but no end yet. */
  #complete = true;

  take(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const bytes = this.#held.length === 0 ? chunk : concatBytes([this.#held, chunk]);
    this.#held = new Uint8Array(0);
    const out = new Output(bytes.length);
    let at = 0;
    while (at < bytes.length) {
      if (this.#atLineStart) {
        const quotes = countQuotes(bytes, at);
        const matched = matchedFrom(bytes, at + quotes);
        if (matched < FROM.length && at + quotes + matched === bytes.length) {
          out.add(bytes, at, at + quotes);
          this.#held = bytes.slice(at + quotes);
          this.#complete &&= quotes === 0;
          break;
        }
        if (matched === FROM.length) out.addByte(QUOTE);
        this.#atLineStart = false;
      }
      const lineEnd = bytes.indexOf(LF, at);
      const end = lineEnd < 0 ? bytes.length : lineEnd;
      const textEnd = end > at && bytes[end - 1] === CR ? end - 1 : end;
      out.add(bytes, at, textEnd);
      if (lineEnd < 0) {
        this.#held = bytes.slice(textEnd);
        this.#complete = false;
        break;
      }
      out.addByte(LF);
      at = lineEnd + 1;
      this.#atLineStart = true;
      this.#complete = true;
    }
    return out.bytes();
  }

  /** What is left at the end of the mail. */
  end(): Uint8Array<ArrayBuffer> {
    return this.#complete && this.#held.length === 0 ? this.#held : concatBytes([this.#held, LF_BYTES]);
  }
}

/** Room for a quoted chunk, which grows by one octet for each `From ` in it at most. */
class Output {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(inputLength: number) {
    this.#bytes = new Uint8Array(inputLength + Math.ceil(inputLength / FROM.length));
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    this.#bytes.set(bytes.subarray(from, to), this.#length);
    this.#length += to - from;
  }

  addByte(byte: number): void {
    this.#bytes[this.#length++] = byte;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
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
