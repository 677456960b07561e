import { join } from "@std/path";
import { hasCode } from "../base/errors.ts";
import { denoFileOps, fileError, fileExists, type FileOps } from "../base/files.ts";
import { captureName, INCOMING_NAME } from "./folder.ts";
import { claimAbandoned, type IncomingOptions, leaveWriterFolder, PART_SUFFIX, SETTLED_SUFFIX } from "./incoming.ts";
import { openMail, readCapture } from "./reader.ts";
import type { CaptureFile, Recovery } from "./types.ts";

/**
 * Finishes or discards what dead writers left in `.incoming/` (contracts.md, section 3, rule 4): a file that is complete,
 * by its tail and its mail's SHA-256, becomes a capture with the outcome that it bears, `unknown` unless it had been
 * settled; an incomplete one is removed. Folders of living writers aren't touched. What can't be read for another reason
 * stays and is named. May be cut off at any step and repeated.
 *
 * Rejects with MailteeError "io" where `.incoming/` can't be read, or "busy" where others are just starting.
 */
export async function recoverDropFolder(path: string, options: IncomingOptions = {}): Promise<Recovery> {
  const ops = options.ops ?? denoFileOps;
  const found: Found = { committed: [], discarded: 0, failed: [] };
  try {
    const { claimed, failed } = await claimAbandoned(path, options);
    try {
      for (const folder of claimed) {
        await recoverWriterFolder(path, folder.path, ops, found);
        leaveWriterFolder(folder, ops);
      }
      found.committed.sort();
      if (found.committed.length > 0) await ops.syncDirectory(path);
    } finally {
      for (const folder of claimed) folder.lock.release();
    }
    for (const { path, error } of failed) found.failed.push({ path, reason: fileError(error, "look into it").message });
  } catch (error) {
    throw fileError(error, `recover ${join(path, INCOMING_NAME)}`);
  }
  return found;
}

interface Found {
  readonly committed: string[];
  discarded: number;
  readonly failed: { path: string; reason: string }[];
}

async function recoverWriterFolder(drop: string, folder: string, ops: FileOps, found: Found): Promise<void> {
  const names = Array.from(Deno.readDirSync(folder), (entry) => entry.name);
  const stems = new Set(
    FORMS.flatMap((form) => names.filter((name) => name.endsWith(form)).map((name) => name.slice(0, -form.length))),
  );
  for (const stem of [...stems].sort()) {
    try {
      const { committed, discarded } = await recoverCapture(drop, folder, stem, ops);
      if (committed !== null) found.committed.push(committed);
      found.discarded += discarded;
    } catch (error) {
      found.failed.push({ path: join(folder, stem), reason: fileError(error, "recover it").message });
    }
  }
}

/** The settled form comes first, so that it wins where both are complete. */
const FORMS = [SETTLED_SUFFIX, PART_SUFFIX];

/**
 * Puts one capture of a writer's folder in place, in its settled form where that is complete, and removes what isn't
 * complete. `stem` is the name of its files without the suffix. Gives its new path, null where nothing was put in place,
 * and how many files with something in them were discarded.
 */
export async function recoverCapture(
  drop: string,
  folder: string,
  stem: string,
  ops: FileOps,
): Promise<{ committed: string | null; discarded: number }> {
  let committed: string | null = null;
  let discarded = 0;
  for (const path of FORMS.map((form) => join(folder, stem + form)).filter(fileExists)) {
    const capture = await completeCapture(path);
    if (capture === null) {
      const { size } = Deno.lstatSync(path);
      ops.remove(path);
      if (size > 0) discarded++;
      continue;
    }
    const target = join(drop, captureName(capture.report.id));
    if (await isSameCapture(target, capture)) {
      ops.remove(path);
      continue;
    }
    await flushFile(path, ops);
    ops.rename(path, target);
    committed = target;
  }
  return { committed, discarded };
}

/** A writer that was killed before its flush leaves a file that is complete only in the page cache. */
async function flushFile(path: string, ops: FileOps): Promise<void> {
  const file = ops.openForWriting(path);
  try {
    await file.syncData();
  } finally {
    file.close();
  }
}

/** Null where the file isn't a whole capture; a file that can't be read is another matter and rejects. */
async function completeCapture(path: string): Promise<CaptureFile | null> {
  try {
    const capture = await readCapture(path);
    for await (const _chunk of openMail(capture));
    return capture;
  } catch (error) {
    if (hasCode(error, "damaged", "malformed")) return null;
    throw error;
  }
}

/** True where the capture was already put in place, by a recovery or a commit that was cut off. */
async function isSameCapture(target: string, capture: CaptureFile): Promise<boolean> {
  try {
    const { report } = await readCapture(target);
    return report.id === capture.report.id && report.mail.sha256 === capture.report.mail.sha256;
  } catch (error) {
    if (hasCode(error, "not-found", "damaged", "malformed")) return false;
    throw error;
  }
}
