/** The drop folder as others see it: names and listing. */

import { join } from "@std/path";
import { fileError } from "../base/files.ts";
import { ulidTime } from "../base/ids.ts";

/** Where captures in the making lie, inside the drop folder. */
export const INCOMING_NAME = ".incoming";

/**
 * The name of a complete capture: the time of its ULID, then the ULID, so that names are unique and in the order in which
 * one writer began its captures, also when the clock jumps back: `20261124T115501123Z-01M86….eml`.
 */
export function captureName(id: string): string {
  return `${new Date(ulidTime(id)).toISOString().replaceAll(/[-:.]/g, "")}-${id}.eml`;
}

const CAPTURE_NAME = /^\d{8}T\d{9}Z-([0-7][0-9A-HJKMNP-TV-Z]{25})\.eml$/;

/** The ULID in the name of a complete capture; null for a name of any other form. */
export function parseCaptureName(name: string): string | null {
  return CAPTURE_NAME.exec(name)?.[1] ?? null;
}

/** One thing in a drop folder. */
export interface DropEntry {
  readonly name: string;
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "other";
  /** The ULID where the name is that of a complete capture. */
  readonly captureId: string | null;
}

/**
 * Everything in the drop folder but what begins with a dot, ordered by name, so that captures are in the order of their
 * time. Opens nothing: a folder of 100,000 captures costs the listing alone.
 * Rejects with MailteeError "io" where the folder can't be read.
 */
export async function listDropFolder(path: string): Promise<DropEntry[]> {
  const entries: DropEntry[] = [];
  const prefix = join(path, "x").slice(0, -1);
  try {
    for await (const entry of Deno.readDir(path)) {
      if (entry.name.startsWith(".")) continue;
      entries.push({
        name: entry.name,
        path: prefix + entry.name,
        kind: kindOf(entry),
        captureId: parseCaptureName(entry.name),
      });
    }
  } catch (error) {
    throw fileError(error, `list the drop folder ${path}`);
  }
  return entries.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function kindOf(entry: Deno.DirEntry): DropEntry["kind"] {
  if (entry.isSymlink) return "symlink";
  if (entry.isFile) return "file";
  return entry.isDirectory ? "directory" : "other";
}
