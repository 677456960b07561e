import { basename, join } from "@std/path";
import { hasCode } from "../base/errors.ts";
import { denoFileOps, fileError, type FileOps } from "../base/files.ts";
import { captureName, INCOMING_NAME } from "./folder.ts";
import {
  claimAbandoned,
  type IncomingOptions,
  LOCK_NAME,
  PART_SUFFIX,
  removeWriterFolder,
  SETTLED_SUFFIX,
} from "./incoming.ts";
import { openMail, readCapture } from "./reader.ts";
import type { CaptureFile, Recovery } from "./types.ts";

interface Findings {
  readonly committed: string[];
  discarded: number;
  readonly failed: { path: string; reason: string }[];
}

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
  const findings: Findings = { committed: [], discarded: 0, failed: [] };
  try {
    const { claimed, failed } = await claimAbandoned(path, options);
    try {
      for (const folder of claimed) await recoverFolder(path, folder.path, ops, findings);
      if (findings.committed.length > 0) await ops.syncDirectory(path);
    } finally {
      for (const folder of claimed) folder.lock.release();
    }
    for (const { path, error } of failed) {
      findings.failed.push({ path, reason: fileError(error, "look into it").message });
    }
  } catch (error) {
    throw fileError(error, `recover ${join(path, INCOMING_NAME)}`);
  }
  return findings;
}

/** The settled form of a capture comes before its first form, so that it wins where a crash left both. */
async function recoverFolder(drop: string, folder: string, ops: FileOps, findings: Findings): Promise<void> {
  const names = Array.from(Deno.readDirSync(folder), (entry) => entry.name).filter((name) => name !== LOCK_NAME).sort();
  for (const suffix of [SETTLED_SUFFIX, PART_SUFFIX]) {
    for (const name of names.filter((name) => name.endsWith(suffix))) {
      const path = join(folder, name);
      try {
        await recoverFile(drop, path, ops, findings);
      } catch (error) {
        findings.failed.push({ path, reason: fileError(error, "recover it").message });
      }
    }
  }
  removeWriterFolder(folder, ops);
}

async function recoverFile(drop: string, path: string, ops: FileOps, findings: Findings): Promise<void> {
  const capture = await completeCapture(path);
  if (capture === null || capture.report.id !== basename(path).split(".")[0]) {
    ops.remove(path);
    findings.discarded++;
    return;
  }
  const target = join(drop, captureName(capture.report.id));
  if (await isSameCapture(target, capture)) {
    ops.remove(path);
    return;
  }
  // A writer that was killed before its flush leaves a file that is complete only in the page cache.
  const file = ops.openForWriting(path);
  try {
    await file.syncData();
  } finally {
    file.close();
  }
  ops.rename(path, target);
  findings.committed.push(target);
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
