/** Which file it is that a run looks at, and whether it is the same still. */

import type { DropEntry } from "../drop/folder.ts";

/** Where a file is. */
export interface FilePlace {
  /** Its name in the drop folder. */
  readonly file: string;
  readonly path: string;
}

/** A file as it was when it was looked at; before it's deleted it has to be the same still. */
export interface FileIdentity extends FilePlace {
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

export function placeOf(entry: DropEntry): FilePlace {
  return { file: entry.name, path: entry.path };
}

/** Throws the system's own error where the file can't be looked at. */
export function identify(entry: DropEntry): FileIdentity {
  const { size, mtime } = Deno.lstatSync(entry.path);
  return { ...placeOf(entry), size, modified: mtime?.getTime() ?? 0 };
}

/** True where the file is still the one that was looked at. */
export function isUnchanged(file: FileIdentity): boolean {
  try {
    const { size, mtime } = Deno.lstatSync(file.path);
    return size === file.size && (mtime?.getTime() ?? 0) === file.modified;
  } catch {
    return false;
  }
}
