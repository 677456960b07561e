import { join } from "@std/path";
import { decodeLatin1, decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import type { TransmissionReport } from "../../src/drop/types.ts";

/** A capture, read as any MIME reader would: by its boundary alone. */
export interface ReadCapture {
  readonly name: string;
  /** Part 2. */
  readonly mail: Uint8Array;
  /** Part 3. */
  readonly report: TransmissionReport;
}

/** All captures of a drop folder, in the order of their names. */
export function readCaptures(dropFolder: string): ReadCapture[] {
  const names = Array.from(Deno.readDirSync(dropFolder), ({ name }) => name).filter((name) => name.endsWith(".eml"));
  return names.sort().map((name) => parseCapture(name, Deno.readFileSync(join(dropFolder, name))));
}

function parseCapture(name: string, file: Uint8Array): ReadCapture {
  const [header] = splitHeader(file);
  const [, boundary] = /^Content-Type: multipart\/mixed;\s+boundary="([^"]+)"/m.exec(decodeLatin1(header)) ?? [];
  if (boundary === undefined) throw new Error(`${name} has no boundary:\n${decodeLatin1(header)}`);
  const parts = partsOf(file, boundary);
  if (parts.length !== 3) throw new Error(`${name} has ${parts.length} parts, not 3`);
  const [, mail, report] = parts.map((part) => splitHeader(part)[1]);
  if (mail === undefined || report === undefined) throw new Error(`${name} is empty`);
  return { name, mail, report: JSON.parse(decodeUtf8(report)) };
}

/** The parts of a multipart, each with its own header (RFC 2046 section 5.1). */
function partsOf(file: Uint8Array, boundary: string): Uint8Array[] {
  const delimiter = encodeUtf8(`\r\n--${boundary}`);
  const parts: Uint8Array[] = [];
  let start = -1;
  for (let at = indexOf(file, delimiter, 0); at >= 0; at = indexOf(file, delimiter, at + 1)) {
    if (start >= 0) parts.push(file.subarray(start, at));
    start = at + delimiter.length + 2;
  }
  return parts;
}

function splitHeader(part: Uint8Array): [header: Uint8Array, body: Uint8Array] {
  const end = indexOf(part, encodeUtf8("\r\n\r\n"), 0);
  if (end < 0) throw new Error("a part has no header");
  return [part.subarray(0, end + 2), part.subarray(end + 4)];
}

function indexOf(bytes: Uint8Array, pattern: Uint8Array, from: number): number {
  const [first = 0] = pattern;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (pattern.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
