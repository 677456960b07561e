/** An archive: a folder with a catalog and a content store. */

import { dirname, join, resolve } from "@std/path";
import { systemClock } from "../base/clock.ts";
import { denoFileOps, ensureDirectory, fileError } from "../base/files.ts";
import { openCatalog } from "./catalog.ts";
import { DEFAULT_PART_MAILS } from "./index_parts.ts";
import { openFileStore } from "./store.ts";
import type { Archive, ArchiveOptions } from "./types.ts";

const CATALOG_FILE = "catalog.sqlite";
const STORE_FOLDER = "store";

/**
 * Opens the archive in a folder; makes folder and archive where they are missing, unless it is opened read-only. Any
 * number of processes may have it open. Rejects with MailteeError "not-found" (read-only, and there is none),
 * "malformed" (something else is there, or a newer version's archive), "busy", "damaged", "disk-full" or "io".
 */
export async function openArchive(path: string, options: ArchiveOptions = {}): Promise<Archive> {
  const { clock = systemClock, readOnly = false, fileMode = 0o600, folderMode = 0o700 } = options;
  const { indexPartMails = DEFAULT_PART_MAILS } = options;
  if (!readOnly) await makeFolder(path, folderMode);
  const catalog = await openCatalog(join(path, CATALOG_FILE), { clock, readOnly, fileMode, indexPartMails });
  try {
    const store = await openFileStore(join(path, STORE_FOLDER), { clock, readOnly, fileMode, folderMode });
    return { path, store, catalog, close: () => catalog.close() };
  } catch (error) {
    catalog.close();
    throw error;
  }
}

/** Whoever finds a catalog knows that the folder's own entry is durable. */
async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    ensureDirectory(path, mode);
    if (!isFile(join(path, CATALOG_FILE))) await denoFileOps.syncDirectory(dirname(resolve(path)));
  } catch (error) {
    throw fileError(error, `create the archive ${path}`);
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
