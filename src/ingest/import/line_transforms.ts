/** Mails that were kept in a file's form, back in the form that they had on the wire; stream by stream, bounded memory. */

import { Buffer } from "node:buffer";
import { concatBytes, encodeUtf8 } from "../../base/bytes.ts";

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
  return dropMarks(octets, QUOTE, (line) => {
    let quotes = 0;
    while (line[quotes] === QUOTE) quotes++;
    let matched = 0;
    while (matched < FROM.length && line[quotes + matched] === FROM[matched]) matched++;
    if (matched === FROM.length) return "drop";
    return quotes + matched === line.length ? "undecided" : "keep";
  });
}

/** Takes the first dot from each line that begins with one (RFC 5321, section 4.5.2). */
export function unstuffDots(octets: Octets): Octets {
  return dropMarks(octets, DOT, () => "drop");
}

/**
 * Lets `judge` decide at each line that begins with `mark` whether this first octet goes. It sees what is there of the
 * stream from the mark on, and more of it later where it says "undecided"; at the end, undecided marks are kept.
 */
async function* dropMarks(
  octets: Octets,
  mark: number,
  judge: (line: Uint8Array) => "keep" | "drop" | "undecided",
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  /** Octets that begin with an undecided mark. */
  let held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  let last = LF;
  for await (const chunk of octets) {
    const atLineStart = held.length > 0 || last === LF;
    const bytes = held.length === 0 ? chunk : concatBytes([held, chunk]);
    let [from, end] = [0, bytes.length];
    for (const at of markedLines(bytes, mark, atLineStart)) {
      const verdict = judge(bytes.subarray(at));
      if (verdict === "undecided" && bytes.length - at <= MAX_HELD_BYTES) {
        end = at;
        break;
      }
      if (verdict === "drop") {
        yield bytes.subarray(from, at);
        from = at + 1;
      }
    }
    yield bytes.subarray(from, end);
    held = bytes.slice(end);
    last = bytes.at(-1) ?? last;
  }
  yield held;
}

/** Where lines begin with this octet. */
function* markedLines(bytes: Uint8Array<ArrayBuffer>, mark: number, atLineStart: boolean): Generator<number> {
  if (atLineStart && bytes[0] === mark) yield 0;
  const searched = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const lineEndAndMark = Uint8Array.of(LF, mark);
  for (let at = searched.indexOf(lineEndAndMark); at >= 0; at = searched.indexOf(lineEndAndMark, at + 1)) yield at + 1;
}
