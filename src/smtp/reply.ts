/** Replies of a server (RFC 5321 section 4.2): reading them from bytes, and what they say. Pure. */

import { concatBytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";

/** A whole reply of one or more lines. */
export interface Reply {
  /** 200 to 599; of the last line, where the lines disagree. */
  readonly code: number;
  /**
   * The reply as it came, each line ended by CRLF. May be a view into the buffer that it was read from: valid until
   * that buffer changes.
   */
  readonly bytes: Uint8Array;
}

/** How much of a reply is read before the server is given up. */
export interface ReplyLimits {
  readonly maxLineBytes: number;
  readonly maxLines: number;
}

/** Far beyond the 512 octets of RFC 5321 section 4.5.3.1.5, since servers exceed them. */
export const defaultReplyLimits: ReplyLimits = { maxLineBytes: 4096, maxLines: 256 };

/** What `takeReply` found at the start of a buffer. */
export type ReplyScan =
  | { readonly kind: "reply"; readonly reply: Reply; readonly consumed: number }
  | { readonly kind: "more" }
  /** Not SMTP, or over a limit: nothing after it can be understood. */
  | { readonly kind: "malformed"; readonly problem: string };

const CR = 0x0d;
const LF = 0x0a;
const HYPHEN = 0x2d;
const CRLF = encodeUtf8("\r\n");
const MORE: ReplyScan = { kind: "more" };

/**
 * Reads the first reply of a buffer. Lenient where servers are known to be odd: lines ended by LF alone, no text after
 * the code, a tab after the code, different codes in one reply.
 */
export function takeReply(buffer: Uint8Array, limits: ReplyLimits = defaultReplyLimits): ReplyScan {
  let lineStart = 0;
  let everyLineEndsInCrLf = true;
  for (let lines = 1;; lines++) {
    const lineFeed = buffer.indexOf(LF, lineStart);
    const lineLength = (lineFeed < 0 ? buffer.length : lineFeed) - lineStart;
    if (lineLength > limits.maxLineBytes) return malformed(`a reply line is longer than ${limits.maxLineBytes} bytes`);
    if (lines > limits.maxLines) return malformed(`a reply has more than ${limits.maxLines} lines`);
    const code = codeAt(buffer, lineStart, lineFeed < 0 ? buffer.length : lineFeed);
    if (code === "more" && lineFeed < 0) return MORE;
    if (typeof code === "string") return malformed("a reply line doesn't begin with a reply code");
    if (lineFeed < 0) return MORE;
    if (buffer[lineFeed - 1] !== CR) everyLineEndsInCrLf = false;
    if (buffer[lineStart + 3] !== HYPHEN) {
      const raw = buffer.subarray(0, lineFeed + 1);
      const reply = { code, bytes: everyLineEndsInCrLf ? raw : withCrLf(raw) };
      return { kind: "reply", reply, consumed: lineFeed + 1 };
    }
    lineStart = lineFeed + 1;
  }
}

/** The reply code at the start of a line; "more" where the line isn't long enough to tell, "none" where it has none. */
function codeAt(buffer: Uint8Array, start: number, end: number): number | "more" | "none" {
  const first = (buffer[start] ?? 0) - 0x30;
  if (end <= start) return "more";
  if (first < 2 || first > 5) return "none";
  let code = first;
  for (let place = 1; place < 3; place++) {
    if (start + place >= end) return "more";
    const digit = (buffer[start + place] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return "none";
    code = code * 10 + digit;
  }
  const separator = start + 3 < end ? buffer[start + 3] : undefined;
  return separator === undefined || separator === 0x20 || separator === HYPHEN || separator === 0x09 || separator === CR
    ? code
    : "none";
}

function malformed(problem: string): ReplyScan {
  return { kind: "malformed", problem };
}

/** The same lines, each ended by CRLF, without stray carriage returns. */
function withCrLf(raw: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < raw.length;) {
    const lineFeed = raw.indexOf(LF, start);
    const end = lineFeed > start && raw[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
    parts.push(raw.subarray(start, end), CRLF);
    start = lineFeed + 1;
  }
  return concatBytes(parts);
}

/** 2xx: done. */
export function isPositive(reply: Reply): boolean {
  return reply.code >= 200 && reply.code < 300;
}

/** The whole reply as text, lines joined by "\n", codes included: "250-2.1.5 one\n250 2.1.5 two". */
export function replyText(reply: Reply): string {
  return decodeUtf8(reply.bytes).replaceAll("\r\n", "\n").trimEnd();
}

/** The text of each line after the code and its separator. */
export function replyLines(reply: Reply): string[] {
  return decodeUtf8(reply.bytes).split("\r\n").slice(0, -1).map((line) => line.slice(4));
}

/** A reply of one line of our own, such as `formatReply(250, "2.0.0", "Ok")`; without enhanced code where it is "". */
export function formatReply(code: number, enhanced: string, text: string): Reply {
  return { code, bytes: encodeUtf8(`${code} ${enhanced === "" ? "" : `${enhanced} `}${text}\r\n`) };
}

/** A reply of several lines of text under one code. */
export function formatReplyLines(code: number, lines: readonly string[]): Reply {
  const last = lines.length - 1;
  return {
    code,
    bytes: encodeUtf8(lines.map((line, index) => `${code}${index === last ? " " : "-"}${line}\r\n`).join("")),
  };
}
