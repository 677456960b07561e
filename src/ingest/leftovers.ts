import type { SeenFile } from "../archive/types.ts";
import type { DropEntry } from "../drop/folder.ts";
import type { UserDirectory } from "./assign.ts";
import { type FileIdentity, identify } from "./file_identity.ts";

export interface LeftoversOptions {
  /** What earlier runs found out, by the files' names. */
  readonly seen: ReadonlyMap<string, SeenFile>;
  readonly users: UserDirectory;
  /** What is to be deleted isn't left. */
  readonly deletes: { readonly archived: boolean; readonly unassigned: boolean };
  /** How many captures are compared with what they were. */
  readonly compared: number;
}

/**
 * Files that earlier runs left, and what they found out about them. A capture's name holds its id and its file is never
 * changed, so its name tells nearly always what it is; to notice the file that was damaged all the same, some are compared
 * with what they were: all of them up to `compared`, of more a sample that is another one in each run. Files of other
 * names are always compared. Whatever is to be archived or deleted is read in any case.
 */
export class Leftovers {
  readonly #options: LeftoversOptions;
  /** Every so many-th capture is compared, beginning at a random one. */
  readonly #stride: number;
  #place: number;

  constructor(options: LeftoversOptions) {
    this.#options = options;
    this.#stride = Math.max(1, Math.ceil(options.seen.size / options.compared));
    this.#place = Math.floor(Math.random() * this.#stride);
  }

  /** What an earlier run found out about a file, where it still holds and the file stays; null where it has to be read. */
  recall(entry: DropEntry): SeenFile | null {
    const { users, deletes, seen } = this.#options;
    const left = seen.get(entry.name);
    if (left === undefined || deletes[left.state]) return null;
    if (left.state === "unassigned" && users.usersOf(left.addresses).length > 0) return null;
    return this.#tellsByName(entry, left) || isSame(entry, left) ? left : null;
  }

  #tellsByName({ kind, captureId }: DropEntry, left: SeenFile): boolean {
    return kind === "file" && captureId === left.captureId && this.#place++ % this.#stride !== 0;
  }
}

function isSame(entry: DropEntry, { size, modified }: SeenFile): boolean {
  let file: FileIdentity;
  try {
    file = identify(entry);
  } catch {
    return false;
  }
  return file.size === size && file.modified === modified;
}
