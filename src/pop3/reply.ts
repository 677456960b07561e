/** Replies of POP3 servers (RFC 1939 section 3). Pure. */

import { concatBytes, encodeUtf8 } from "../base/bytes.ts";

/**
 * ok: `+OK` · err: `-ERR` · continue: `+ `, a challenge (RFC 5034 section 4) · other: not the beginning of a reply
 */
export type Status = "ok" | "err" | "continue" | "other";

/** Longest line of a reply: RFC 2449 section 4 allows 512, but a challenge 12288 (RFC 5034 section 4). */
export const MAX_REPLY_LINE_BYTES = 16_384;

const PLUS = 0x2b;
const SPACE = 0x20;
const OK = encodeUtf8("+OK");
const ERR = encodeUtf8("-ERR");
const CRLF = encodeUtf8("\r\n");

/** What kind of reply begins with this line, given without its line end. Letter case doesn't count. */
export function statusOf(line: Uint8Array): Status {
  if (beginsWithWord(line, OK)) return "ok";
  if (beginsWithWord(line, ERR)) return "err";
  return line[0] === PLUS && (line.length === 1 || line[1] === SPACE) ? "continue" : "other";
}

/** True where the word ends the line or a space follows: "+OKAY" is no "+OK". */
function beginsWithWord(line: Uint8Array, word: Uint8Array): boolean {
  if (line.length > word.length && line[word.length] !== SPACE) return false;
  return word.every((byte, index) => upperCase(line[index] ?? 0) === byte);
}

function upperCase(byte: number): number {
  return byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
}

/** A line with its CRLF, in memory of its own. */
export function withCrLf(line: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes([line, CRLF]);
}

/** A multi-line reply: status line, dot-stuffed lines, end marker (RFC 1939 section 3). */
export function formatBlock(status: Uint8Array, lines: readonly string[]): Uint8Array<ArrayBuffer> {
  const stuffed = lines.map((line) => line.startsWith(".") ? `.${line}` : line);
  return concatBytes([status, CRLF, encodeUtf8([...stuffed, "."].map((line) => `${line}\r\n`).join(""))]);
}

/** `-ERR` with a text of ours. */
export function errorReply(text: string): Uint8Array<ArrayBuffer> {
  return encodeUtf8(`-ERR ${text}\r\n`);
}

/** `-ERR` for what lies with a server and will pass (RFC 3206 section 4). */
export function temporaryError(text: string): Uint8Array<ArrayBuffer> {
  return errorReply(`[SYS/TEMP] ${text}`);
}
