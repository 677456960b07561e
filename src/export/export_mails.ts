import { basename, dirname, join } from "@std/path";
import type { Query } from "../archive/query.ts";
import type { Archive } from "../archive/types.ts";
import { MailteeError } from "../base/errors.ts";
import { denoFileOps, errorNumber, fileError, isDirectory, removeIfThere, writeAll } from "../base/files.ts";
import { mailFileName } from "./file_name.ts";
import { mboxEntry } from "./mbox.ts";
import { type LostMail, outgoingMails } from "./outgoing.ts";
import type { Octets, OutgoingMail } from "./types.ts";
import { zipArchive, type ZipSource } from "./zip.ts";

/** eml: a folder with a file for each mail. mbox, zip: one file with all of them. */
export type ExportFormat = "eml" | "mbox" | "zip";

export interface ExportOptions {
  readonly archive: Archive;
  readonly query: Query;
  readonly format: ExportFormat;
  /** Folder or file to write. */
  readonly to: string;
  /** Whether what is there may be replaced. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  /** Hears after each mail how many were written. */
  readonly progress?: (done: number) => void;
}

export interface ExportResult {
  readonly format: ExportFormat;
  readonly to: string;
  readonly mails: number;
  /** Octets of the mails, before any packing. */
  readonly bytes: number;
  /** Mails that are damaged in the archive, and therefore weren't written. */
  readonly lost: readonly LostMail[];
}

/**
 * Writes the mails that a query finds. One file appears whole or not at all; in a folder, each mail does. eml and zip hold
 * the exact octets, an mbox has LF for CRLF and quoted `From ` lines.
 *
 * Rejects with MailteeError "usage" where something is in the way and `force` isn't given, "disk-full" or "io", and with
 * the signal's reason.
 */
export async function exportMails(options: ExportOptions): Promise<ExportResult> {
  const { archive, query, format, to, signal, progress } = options;
  refuseToReplace(options);
  const lost: LostMail[] = [];
  let [mails, bytes] = [0, 0];
  async function* counted() {
    for await (const mail of outgoingMails(archive, query, { signal, lost: (each) => lost.push(each) })) {
      yield mail;
      mails++;
      bytes += mail.size;
      progress?.(mails);
    }
  }
  if (format === "eml") await writeFolder(to, counted());
  else {await writeFile(to, format === "mbox" ? mboxFile(counted()) : zipArchive(zipSources(counted())), {
      flush: true,
    });}
  return { format, to, mails, bytes, lost };
}

function refuseToReplace({ format, to, force }: ExportOptions): void {
  const inTheWay = format === "eml" && isDirectory(to) ? !isEmpty(to) : isThere(to);
  if (!inTheWay) return;
  if (!force) {
    throw new MailteeError("usage", `${to} is there already.`, { hint: "Choose another path, or give --force." });
  }
  if ((format === "eml") === isDirectory(to)) return;
  throw new MailteeError("usage", `${to} is ${isDirectory(to) ? "a folder" : "a file"}.`, {
    hint: "Choose another path.",
  });
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileError(error, `look at ${path}`);
  }
}

function isEmpty(folder: string): boolean {
  return Deno.readDirSync(folder)[Symbol.iterator]().next().done === true;
}

async function* mboxFile(mails: AsyncIterable<OutgoingMail>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const mail of mails) yield* mboxEntry(mail);
}

async function* zipSources(mails: AsyncIterable<OutgoingMail>): AsyncGenerator<ZipSource> {
  for await (const mail of mails) {
    const { date, size, content } = mail;
    yield { name: mailFileName(mail), modified: date, size, content };
  }
}

/** Flushes nothing: an export of many mails that a power cut ends is made again. */
async function writeFolder(folder: string, mails: AsyncIterable<OutgoingMail>): Promise<void> {
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError(error, `make the folder ${folder}`);
  }
  for await (const mail of mails) await writeFile(join(folder, mailFileName(mail)), mail.content, { flush: false });
}

/** Writes a file under another name and then gives it its own. Rejects with what the content throws, too. */
async function writeFile(path: string, content: Octets, options: { readonly flush: boolean }): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
  try {
    const file = denoFileOps.create(temporary, 0o600);
    try {
      for await (const chunk of content) writeAll(file, chunk);
      if (options.flush) await file.syncData();
    } finally {
      file.close();
    }
    denoFileOps.rename(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw errorNumber(error) === undefined ? error : fileError(error, `write ${path}`);
  }
}
