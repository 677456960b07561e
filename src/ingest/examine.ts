/** Looks at one thing in a drop folder and says what it is to the archive. Changes nothing. */

import type { CaptureAddress, Catalog } from "../archive/types.ts";
import { hasCode, MailteeError } from "../base/errors.ts";
import { fileError } from "../base/files.ts";
import type { DropEntry } from "../drop/folder.ts";
import { openMail, type ReadCaptureFile, readMail, readSmallCapture } from "../drop/reader.ts";
import type { CaptureFile } from "../drop/types.ts";
import { extractMessage } from "../message/extract.ts";
import type { ExtractThread } from "../message/extract_thread.ts";
import type { ExtractedMessage } from "../message/types.ts";
import type { UserDirectory } from "./assign.ts";
import type { MailContent, ReadCapture } from "./batch.ts";
import { captureRecord } from "./envelope.ts";
import { type FileIdentity, type FilePlace, identify, placeOf } from "./file_identity.ts";
import { interruptible } from "./interruptible.ts";
import type { IngestLimits } from "./types.ts";

/** Captures up to this size are opened and read once. */
const SMALL_CAPTURE_BYTES = 256 * 1024;

export type Finding =
  | ({ readonly kind: "new"; readonly file: FileIdentity } & ReadCapture)
  /** The archive has this capture. */
  | {
    readonly kind: "archived";
    readonly file: FileIdentity;
    readonly captureId: string;
    readonly capture: CaptureFile;
  }
  | {
    readonly kind: "unassigned";
    readonly file: FileIdentity;
    readonly captureId: string;
    readonly addresses: readonly CaptureAddress[];
  }
  /** It can't be understood or read; it stays where it is. */
  | { readonly kind: "failed"; readonly file: FilePlace; readonly error: unknown }
  /** Somebody took it away meanwhile. */
  | { readonly kind: "vanished" };

export interface ExamineOptions {
  readonly catalog: Catalog;
  readonly users: UserDirectory;
  /** What is to be deleted; such files are read to the end, so that nothing damaged goes. */
  readonly deletes: { readonly archived: boolean; readonly unassigned: boolean };
  /** Takes apart what is held in memory whole. */
  readonly extractor: Pick<ExtractThread, "extract">;
  readonly limits: IngestLimits;
  readonly signal: AbortSignal;
}

/** Rejects only where the run can't go on: the catalog fails, or the signal is aborted. */
export async function examine(entry: DropEntry, options: ExamineOptions): Promise<Finding> {
  options.signal.throwIfAborted();
  const file = attemptSync(entry, () => identify(entry));
  if (file.kind !== "done") return file;
  const opened = await attempt(entry, options, () => readSmallCapture(entry.path, SMALL_CAPTURE_BYTES));
  if (opened.kind !== "done") return opened;
  const { capture } = opened.value;
  const { report } = capture;
  const archived = (await options.catalog.archivedCaptures([report.id])).get(report.id);
  const record = captureRecord(report, entry.name);
  const users = options.users.usersOf(record.addresses);
  if (archived !== undefined || users.length === 0) {
    const goes = archived === undefined ? options.deletes.unassigned : options.deletes.archived;
    const whole = await attempt(entry, options, () => goes ? readThrough(opened.value, options) : Promise.resolve());
    if (whole.kind !== "done") return whole;
    if (archived !== undefined) return archivedBefore(file.value, capture, archived);
    const { addresses } = record;
    return { kind: "unassigned", file: file.value, captureId: report.id, addresses };
  }
  const read = await attempt(entry, options, () => readContent(opened.value, options));
  if (read.kind !== "done") return read;
  const mail = { sha256: report.mail.sha256, size: report.mail.size, extracted: read.value.extracted };
  return { kind: "new", file: file.value, capture: { capture: record, mail, users }, content: read.value.content };
}

function archivedBefore(file: FileIdentity, capture: CaptureFile, archivedSha256: string): Finding {
  const { id, mail } = capture.report;
  if (mail.sha256 === archivedSha256) {
    return { kind: "archived", file, captureId: id, capture };
  }
  return { kind: "failed", file, error: conflict(id, archivedSha256) };
}

/** A capture whose id the archive has with another mail. */
export function conflict(captureId: string, archivedSha256: string): MailteeError {
  return new MailteeError(
    "damaged",
    `its capture id ${captureId} is that of an archived capture with another mail (${archivedSha256.slice(0, 12)})`,
  );
}

/** Rejects where the mail isn't what was captured. */
async function readThrough({ capture, mail }: ReadCaptureFile, { signal }: ExamineOptions): Promise<void> {
  if (mail !== null) return;
  for await (const _octets of interruptible(openMail(capture), signal));
}

async function readContent(
  { capture, mail }: ReadCaptureFile,
  options: ExamineOptions,
): Promise<{ content: MailContent; extracted: ExtractedMessage }> {
  if (mail !== null || capture.report.mail.size <= options.limits.wholeMailBytes) {
    const content = mail ?? await readMail(capture);
    return { content, extracted: await options.extractor.extract(content) };
  }
  const content = () => interruptible(openMail(capture), options.signal);
  return { content, extracted: await extractMessage(content()) };
}

type Attempt<T> = { readonly kind: "done"; readonly value: T } | (Finding & { readonly kind: "failed" | "vanished" });

async function attempt<T>(entry: DropEntry, options: ExamineOptions, work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { kind: "done", value: await work() };
  } catch (error) {
    options.signal.throwIfAborted();
    return isGone(error) ? { kind: "vanished" } : { kind: "failed", file: placeOf(entry), error };
  }
}

function attemptSync<T>(entry: DropEntry, work: () => T): Attempt<T> {
  try {
    return { kind: "done", value: work() };
  } catch (error) {
    if (isGone(error)) return { kind: "vanished" };
    return { kind: "failed", file: placeOf(entry), error: fileError(error, "look at it") };
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || hasCode(error, "not-found");
}
