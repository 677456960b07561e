/** Finds the mails in files and folders of several forms. */

import { join } from "@std/path";
import { decodeLatin1 } from "../../base/bytes.ts";
import { MailteeError } from "../../base/errors.ts";
import { fileError, isDirectory } from "../../base/files.ts";
import { openMail, readCapture } from "../../drop/reader.ts";
import { captureAddresses } from "../envelope.ts";
import { bsmtpMails, isBsmtpLine } from "./bsmtp.ts";
import { isJournalHeader, journalMail } from "./exchange_journal.ts";
import { fileRange, FileScanner } from "./file_scanner.ts";
import type { Found, ImportFormat } from "./item.ts";
import { crlfLines } from "./line_transforms.ts";
import { mboxMails } from "./mbox.ts";

/** Octets in which a file shows what it is. */
const HEAD_BYTES = 64 * 1024;

/**
 * Every mail that a path leads to: a file is a mail, an mbox, a batch of SMTP commands, a journal report or a capture, by
 * what it begins with; a folder is a Maildir or holds any of these. What isn't a mail is given as a problem, in its turn.
 * Names that begin with a dot are passed over, except folders in a Maildir. Symbolic links are followed only where the
 * path itself is one.
 */
export async function* findMails(path: string): AsyncGenerator<Found, void, undefined> {
  try {
    const { isDirectory, isFile } = await Deno.stat(path);
    if (isDirectory) yield* mailsInFolder(path);
    else if (isFile) yield* mailsInFile(path);
    else throw new MailteeError("malformed", `${path}: it is neither a file nor a folder`);
  } catch (error) {
    yield { kind: "problem", origin: path, error: findError(error, path) };
  }
}

async function* mailsInFolder(path: string): AsyncGenerator<Found, void, undefined> {
  if (isMaildir(path)) return yield* mailsInMaildir(path);
  for (const entry of sortedEntries(path)) {
    if (entry.name.startsWith(".")) continue;
    yield* entryMails(join(path, entry.name), entry);
  }
}

async function* entryMails(path: string, entry: Deno.DirEntry): AsyncGenerator<Found, void, undefined> {
  if (!entry.isSymlink) return yield* findMails(path);
  yield { kind: "problem", origin: path, error: new MailteeError("malformed", `${path}: it is a symbolic link`) };
}

function isMaildir(path: string): boolean {
  return isDirectory(join(path, "cur")) && isDirectory(join(path, "new"));
}

/** Delivered mails, and those of the Maildir's folders; `tmp` holds mails in the making, other files are a server's own. */
async function* mailsInMaildir(path: string): AsyncGenerator<Found, void, undefined> {
  for (const folder of ["cur", "new"]) {
    for (const entry of sortedEntries(join(path, folder))) {
      if (entry.isFile && !entry.name.startsWith(".")) {
        yield await maildirMail(join(path, folder, entry.name), entry.name);
      }
    }
  }
  for (const entry of sortedEntries(path)) {
    const inner = join(path, entry.name);
    if (entry.isDirectory && isMaildir(inner)) yield* mailsInMaildir(inner);
  }
}

async function maildirMail(path: string, name: string): Promise<Found> {
  try {
    const { size, mtime } = await Deno.stat(path);
    const delivered = /^(\d{9,10})\./.exec(name)?.[1];
    return {
      kind: "mail",
      format: "maildir",
      origin: path,
      received: delivered === undefined ? mtime?.getTime() ?? 0 : Number(delivered) * 1000,
      addresses: [],
      content: () => crlfLines(fileRange(path, 0, size)),
    };
  } catch (error) {
    return { kind: "problem", origin: path, error: findError(error, path) };
  }
}

async function* mailsInFile(path: string): AsyncGenerator<Found, void, undefined> {
  const { size, mtime } = await Deno.stat(path);
  const modified = mtime?.getTime() ?? 0;
  switch (formatOf(await headOf(path), path)) {
    case "mbox":
      return yield* mboxMails(path, modified);
    case "bsmtp":
      return yield* bsmtpMails(path, modified);
    case "journal":
      return yield await journalMail(path, modified);
    case "capture":
      return yield await capturedMail(path);
    case "eml":
      yield {
        kind: "mail",
        format: "eml",
        origin: path,
        received: modified,
        addresses: [],
        content: () => fileRange(path, 0, size),
      };
  }
}

async function headOf(path: string): Promise<string> {
  using scanner = new FileScanner(path);
  return decodeLatin1(await scanner.peek(HEAD_BYTES));
}

/** What a file is, by its beginning, or else by its ending. Throws MailteeError "malformed" where it is no mail. */
function formatOf(head: string, path: string): Exclude<ImportFormat, "maildir"> {
  const header = head.slice(0, headerEnd(head));
  if (/^X-Mailtee-Capture:/im.test(header)) return "capture";
  if (head.startsWith("From ")) return "mbox";
  if (isBsmtpLine(head.slice(0, head.indexOf("\n") + 1))) return "bsmtp";
  if (isJournalHeader(header)) return "journal";
  if (/^[!-9;-~]+[ \t]*:/.test(header) || (head !== "" && /\.eml$/i.test(path))) return "eml";
  throw new MailteeError("malformed", `${path}: it isn't a mail: it doesn't begin with a header field`);
}

function headerEnd(head: string): number {
  const end = /\r?\n\r?\n/.exec(head);
  return end === null ? head.length : end.index;
}

async function capturedMail(path: string): Promise<Found> {
  const capture = await readCapture(path);
  return {
    kind: "mail",
    format: "capture",
    origin: path,
    received: Date.parse(capture.report.started),
    addresses: captureAddresses(capture.report),
    content: () => openMail(capture),
    report: capture.report,
  };
}

function sortedEntries(path: string): Deno.DirEntry[] {
  return Array.from(Deno.readDirSync(path)).sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function findError(error: unknown, path: string): MailteeError {
  if (error instanceof Deno.errors.NotFound) {
    return new MailteeError("not-found", `${path} isn't there`, { cause: error });
  }
  return fileError(error, `read ${path}`);
}
