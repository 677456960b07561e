import { createHash, type Hash } from "node:crypto";
import { basename } from "@std/path";
import { concatBytes } from "../base/bytes.ts";
import { errorText, MailteeError } from "../base/errors.ts";
import { fileError } from "../base/files.ts";
import {
  MAX_PREAMBLE_BYTES,
  MAX_TAIL_BYTES,
  NO_CAPTURE,
  type ParsedPreamble,
  type ParsedTail,
  parsePreamble,
  parseTail,
} from "./capture.ts";
import type { CaptureFile, TransmissionReport } from "./types.ts";

/** Most captures are read whole by the first read. */
const FIRST_READ_BYTES = 32 * 1024;
const MAIL_READ_BYTES = 64 * 1024;

/**
 * Reads a capture's report and finds the mail in it, from the file's two ends; the mail itself isn't read. The file may
 * have any name.
 *
 * Rejects with MailteeError: "malformed" for what isn't a capture (a foreign file, a symlink, a directory, a FIFO, a name
 * with control characters, a newer format), "damaged" for a capture that is cut off or whose sizes don't agree,
 * "not-found", or "io".
 */
export async function readCapture(path: string): Promise<CaptureFile> {
  const { file, size } = await openRegularFile(path);
  using _closed = file;
  try {
    return await parseCapture(path, size, (offset, length) => readAt(file, offset, length));
  } catch (error) {
    throw captureError(error, path);
  }
}

/** A capture, and its mail where that was read with it. */
export interface ReadCaptureFile {
  readonly capture: CaptureFile;
  readonly mail: Uint8Array<ArrayBuffer> | null;
}

/**
 * As `readCapture`, and where the file has no more octets than `wholeBytes` it is opened and read but once, and gives the
 * mail too, which then is the one that was captured: "damaged" otherwise. Such a file is read by calls that block: each
 * asynchronous one wakes another thread, and together they were a quarter of what the thread of a run had to do.
 */
export async function readSmallCapture(path: string, wholeBytes: number): Promise<ReadCaptureFile> {
  const entry = regularEntry(path);
  if (entry.size > wholeBytes) return { capture: await readCapture(path), mail: null };
  try {
    const whole = readAtOnce(path, entry);
    const capture = await parseCapture(path, whole.length, (offset, length) => whole.subarray(offset, offset + length));
    const { mailOffset, report } = capture;
    const mail = whole.subarray(mailOffset, mailOffset + report.mail.size);
    requireCaptured(createHash("sha256").update(mail), report);
    return { capture, mail };
  } catch (error) {
    throw captureError(error, path);
  }
}

function readAtOnce(path: string, entry: Deno.FileInfo): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path, { read: true });
  const opened = file.statSync();
  requireSame(opened, entry);
  const bytes = new Uint8Array(opened.size);
  let filled = 0;
  while (filled < bytes.length) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** Gives so many octets from a place in a file, or those that there are. */
type ReadPart = (offset: number, length: number) => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;

async function parseCapture(path: string, size: number, read: ReadPart): Promise<CaptureFile> {
  const preamble = await readPreamble(read, size);
  const tail = await readTail(read, size, preamble.boundary);
  const mailSize = size - tail.length - preamble.mailOffset;
  if (mailSize !== tail.report.mail.size) {
    throw new MailteeError("damaged", `it holds ${mailSize} octets of mail, its report says ${tail.report.mail.size}`);
  }
  return { path, report: tail.report, mailOffset: preamble.mailOffset };
}

async function readPreamble(read: ReadPart, size: number): Promise<ParsedPreamble & { kind: "preamble" }> {
  for (let length = FIRST_READ_BYTES;; length = Math.min(length * 4, MAX_PREAMBLE_BYTES)) {
    const parsed = parsePreamble(await read(0, Math.min(length, size)));
    if (parsed.kind === "preamble") return parsed;
    if (parsed.kind === "other") throw new MailteeError("malformed", `it isn't a capture: ${parsed.reason}`);
    if (length >= size) {
      if (parsed.begun) throw new MailteeError("damaged", "it is cut off before the mail begins");
      throw new MailteeError("malformed", `it isn't a capture: ${NO_CAPTURE}`);
    }
    if (length >= MAX_PREAMBLE_BYTES) {
      throw new MailteeError("malformed", "it isn't a capture: its first part is too long");
    }
  }
}

async function readTail(read: ReadPart, size: number, boundary: string): Promise<ParsedTail & { kind: "tail" }> {
  for (let length = FIRST_READ_BYTES;; length = Math.min(length * 4, MAX_TAIL_BYTES)) {
    const offset = Math.max(0, size - length);
    const parsed = parseTail(await read(offset, size - offset), boundary);
    if (parsed.kind === "tail") return parsed;
    if (offset === 0 || length >= MAX_TAIL_BYTES) throw new MailteeError("damaged", "its report is missing");
  }
}

async function readAt(file: Deno.FsFile, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  await file.seek(offset, Deno.SeekMode.Start);
  return await readToEnd(file, length);
}

/** So many octets from where the file stands, or fewer where it ends. */
async function readToEnd(file: Deno.FsFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

async function openRegularFile(path: string): Promise<{ readonly file: Deno.FsFile; readonly size: number }> {
  const entry = regularEntry(path);
  let file: Deno.FsFile | null = null;
  try {
    file = await Deno.open(path, { read: true });
    const opened = await file.stat();
    requireSame(opened, entry);
    return { file, size: opened.size };
  } catch (error) {
    file?.close();
    throw captureError(error, path);
  }
}

/** Looks at the name's own entry, before it is opened: so neither a link is followed nor a FIFO waited for. */
function regularEntry(path: string): Deno.FileInfo {
  if (/\p{Cc}/u.test(basename(path))) {
    throw new MailteeError("malformed", `${JSON.stringify(path)} has control characters in its name`);
  }
  try {
    const entry = Deno.lstatSync(path);
    if (entry.isFile) return entry;
    throw new MailteeError("malformed", `it isn't a capture: ${kindOf(entry)}`);
  } catch (error) {
    throw captureError(error, path);
  }
}

function requireSame(opened: Deno.FileInfo, entry: Deno.FileInfo): void {
  if (opened.ino === entry.ino && opened.dev === entry.dev) return;
  throw new MailteeError("io", "it was replaced by another file while it was opened");
}

function kindOf(entry: Deno.FileInfo): string {
  if (entry.isSymlink) return "it's a symbolic link";
  if (entry.isDirectory) return "it's a folder";
  return "it's neither a file nor a folder";
}

function captureError(error: unknown, path: string): MailteeError {
  if (error instanceof MailteeError) {
    const { cause, hint } = error;
    return new MailteeError(error.code, `${path}: ${errorText(error)}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  if (error instanceof Deno.errors.NotFound) {
    return new MailteeError("not-found", `${path} isn't there any more`, { cause: error });
  }
  return fileError(error, `read ${path}`);
}

/**
 * The mail's octets, exactly as they went over the wire, in chunks that the caller may keep. Ends with MailteeError
 * "damaged" where their SHA-256 isn't the report's, so nothing may be made final before the end is reached; "not-found"
 * or "io" where the file can't be read. `ReadableStream.from` makes a stream of it.
 */
export async function* openMail(capture: CaptureFile): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const { path, mailOffset, report } = capture;
  const { file } = await openRegularFile(path);
  using _closed = file;
  const hash = createHash("sha256");
  try {
    await file.seek(mailOffset, Deno.SeekMode.Start);
    for (let left = report.mail.size; left > 0;) {
      const buffer = new Uint8Array(Math.min(left, MAIL_READ_BYTES));
      const count = await file.read(buffer);
      if (count === null) throw new MailteeError("damaged", `it lacks the mail's last ${left} octets`);
      const chunk = buffer.subarray(0, count);
      hash.update(chunk);
      left -= count;
      yield chunk;
    }
    requireCaptured(hash, report);
  } catch (error) {
    throw captureError(error, path);
  }
}

function requireCaptured(hash: Hash, { mail }: TransmissionReport): void {
  if (hash.digest("hex") === mail.sha256) return;
  throw new MailteeError("damaged", "the mail in it isn't the one that was captured: its SHA-256 differs");
}

/** The mail's octets whole, verified; for mails that fit into memory. Rejects as `openMail` does. */
export async function readMail(capture: CaptureFile): Promise<Uint8Array<ArrayBuffer>> {
  return concatBytes(await Array.fromAsync(openMail(capture)));
}
