/** Mails that were kept in a file's form, back in the form that they had on the wire; stream by stream, bounded memory. */

import { encodeUtf8 } from "../../base/bytes.ts";

type Octets = AsyncIterable<Uint8Array<ArrayBuffer>>;

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x3e;
const DOT = 0x2e;
const FROM = encodeUtf8("From ");

/** A line's beginning that is still undecided after so many octets is kept as it is. */
const MAX_HELD_BYTES = 64 * 1024;

/** Makes every line end CRLF; octets that end in CRLF already pass as they are. */
export async function* crlfLines(octets: Octets): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let last = 0;
  for await (const chunk of octets) {
    const bare: number[] = [];
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
      if ((at === 0 ? last : chunk[at - 1]) !== CR) bare.push(at);
    }
    last = chunk.at(-1) ?? last;
    yield bare.length === 0 ? chunk : withCrBefore(chunk, bare);
  }
}

function withCrBefore(chunk: Uint8Array<ArrayBuffer>, places: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunk.length + places.length);
  let from = 0;
  places.forEach((place, index) => {
    bytes.set(chunk.subarray(from, place), from + index);
    bytes[place + index] = CR;
    from = place;
  });
  bytes.set(chunk.subarray(from), from + places.length);
  return bytes;
}

/** Takes one `>` from each line that begins with one or more `>` and `From `: mboxrd's quoting undone. */
export function unquoteFromLines(octets: Octets): Octets {
  return editLineStarts(octets, (line) => {
    let quotes = 0;
    while (line[quotes] === QUOTE) quotes++;
    let matched = 0;
    while (matched < FROM.length && line[quotes + matched] === FROM[matched]) matched++;
    if (quotes > 0 && matched === FROM.length) return "drop-first";
    return matched < FROM.length && quotes + matched === line.length ? "undecided" : "keep";
  });
}

/** Takes the first dot from each line that begins with one (RFC 5321, section 4.5.2). */
export function unstuffDots(octets: Octets): Octets {
  return editLineStarts(octets, (line) => line.length === 0 ? "undecided" : line[0] === DOT ? "drop-first" : "keep");
}

/**
 * Lets `judge` decide at each line's beginning whether its first octet goes. It sees what is there of the line, and more
 * of it later where it says "undecided"; at the end, undecided lines are kept.
 */
async function* editLineStarts(
  octets: Octets,
  judge: (line: Uint8Array) => "keep" | "drop-first" | "undecided",
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  let atLineStart = true;
  for await (const chunk of octets) {
    const bytes = held.length === 0 ? chunk : joined(held, chunk);
    held = new Uint8Array(0);
    let from = 0;
    for (let at = 0; at < bytes.length;) {
      if (atLineStart) {
        const verdict = judge(bytes.subarray(at));
        if (verdict === "undecided" && bytes.length - at <= MAX_HELD_BYTES) {
          held = bytes.slice(at);
          break;
        }
        if (verdict === "drop-first") {
          yield bytes.subarray(from, at);
          from = at + 1;
        }
        atLineStart = false;
      }
      const lineEnd = bytes.indexOf(LF, at);
      atLineStart = lineEnd >= 0;
      at = lineEnd < 0 ? bytes.length : lineEnd + 1;
    }
    yield bytes.subarray(from, bytes.length - held.length);
  }
  yield held;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
