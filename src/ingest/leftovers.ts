import type { SeenFile } from "../archive/types.ts";
import type { DropEntry } from "../drop/folder.ts";
import type { FileIdentity } from "./file_identity.ts";

/**
 * Files that earlier runs left, and what they found out about them. A capture's name holds its id and its file is never
 * changed, so its name tells nearly always what it is; to notice the file that was damaged all the same, some are compared
 * with what they were: all of them up to `compared`, of more a sample that is another one in each run. Files of other
 * names are always compared. Whatever is to be archived or deleted is read in any case.
 */
export class Leftovers {
  readonly #seen: ReadonlyMap<string, SeenFile>;
  /** Every so many-th capture is compared, beginning at a random one. */
  readonly #stride: number;
  #place: number;

  constructor(seen: ReadonlyMap<string, SeenFile>, compared: number) {
    this.#seen = seen;
    this.#stride = Math.max(1, Math.ceil(seen.size / compared));
    this.#place = Math.floor(Math.random() * this.#stride);
  }

  /** What is known of a file by its name alone; undefined where it has to be compared first. */
  byName({ name, kind, captureId }: DropEntry): SeenFile | undefined {
    const seen = this.#seen.get(name);
    if (seen === undefined || kind !== "file" || captureId !== seen.captureId) return undefined;
    return this.#place++ % this.#stride === 0 ? undefined : seen;
  }

  /** What is known of a file, unless it isn't the same any more. */
  byIdentity({ file, size, modified }: FileIdentity): SeenFile | undefined {
    const seen = this.#seen.get(file);
    return seen?.size === size && seen.modified === modified ? seen : undefined;
  }
}
