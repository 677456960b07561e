import { fromFileUrl, join } from "@std/path";
import { crlfFromLf } from "../peers/line_ends.ts";

/** Mails that nobody of this project wrote; not part of it, so they may be missing. */
const CORPUS = fromFileUrl(new URL("../../../shared/corpus/", import.meta.url));
const NUL = 0;
const CR = 13;
const LF = 10;

export interface CorpusMail {
  readonly path: string;
  /** What a client sends: the file's octets with CRLF line ends where the file has those of Unix, CRLF at the end. */
  readonly sent: Uint8Array<ArrayBuffer>;
}

/** True where the corpus isn't there, with a word on the console. */
export function corpusIsMissing(): boolean {
  try {
    Deno.statSync(CORPUS);
    return false;
  } catch {
    console.warn("skipped: ../shared/corpus isn't there");
    return true;
  }
}

/** All mails of the corpus, in the order of its manifest. */
export function readCorpus(): CorpusMail[] {
  const [, ...rows] = Deno.readTextFileSync(join(CORPUS, "MANIFEST.tsv")).trimEnd().split("\n");
  return rows.map((row) => {
    const [path = ""] = row.split("\t");
    return { path, sent: asSent(Deno.readFileSync(join(CORPUS, path))) };
  });
}

function asSent(file: Uint8Array): Uint8Array<ArrayBuffer> {
  const converted = hasCrlf(file) ? new Uint8Array(file) : crlfFromLf(file);
  if (converted.length === 0 || (converted.at(-2) === CR && converted.at(-1) === LF)) return converted;
  const ended = new Uint8Array(converted.length + 2);
  ended.set(converted);
  ended.set([CR, LF], converted.length);
  return ended;
}

function hasCrlf(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) if (bytes[at + 1] === LF) return true;
  return false;
}

/**
 * What an SMTP proxy makes of a mail with `bareNewline: "normalize"`: CR and LF become CRLF where they stand alone, and
 * NULs at the beginning of a line, which some servers don't see, are left out.
 */
export function normalized(sent: Uint8Array): Uint8Array<ArrayBuffer> {
  const octets: number[] = [];
  sent.forEach((byte, at) => {
    const lineStart = octets.length === 0 || octets.at(-1) === LF;
    if (byte === NUL && lineStart) return;
    if (byte === LF && sent[at - 1] !== CR) octets.push(CR);
    octets.push(byte);
    if (byte === CR && sent[at + 1] !== LF) octets.push(LF);
  });
  return Uint8Array.from(octets);
}
