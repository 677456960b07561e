import { join } from "@std/path";
import { fileExists, type FileOps, type OpenFile, removeIfThere } from "../base/files.ts";

/** A new, empty file in a writer's folder. */
export interface FreshFile {
  readonly path: string;
  readonly file: OpenFile;
  /**
   * Resolves once the file can be found after a power cut. Rejects with the system's error where that failed, and where
   * the file is no longer there; never ask again then.
   */
  findable(): Promise<void>;
  /** Nothing was written to it: another capture may have it. */
  giveBack(): void;
}

/** Where the files are made. */
export interface FreshFilePlace {
  readonly folder: string;
  readonly ops: FileOps;
  readonly mode: number;
  /** Resolves once all files that the folder has now can be found after a power cut. */
  readonly flush: () => Promise<void>;
}

/** However many are wanted, no more are made at a time. */
const MAX_BATCH = 32;

/**
 * Makes files for captures, several at a time under load. A file system makes whoever creates a file wait while its
 * journal is being written; with 20 sessions that was a fifth of the thread's time. Of files that are made
 * together only the first one waits, and they share one flush of the folder: 1.2 to 1.4 times as many files a second.
 */
export class FreshFiles {
  readonly #place: FreshFilePlace;
  #spare: FreshFile[] = [];
  #closed = false;

  constructor(place: FreshFilePlace) {
    this.#place = place;
  }

  /**
   * A file for one capture, and files for the captures to come: `wanted` in all, if there are none. Throws the system's
   * own error where it can't be made.
   */
  take(stem: string, suffix: string, wanted: number): FreshFile {
    return this.#spare.shift() ?? this.#make(stem, suffix, Math.min(wanted, MAX_BATCH));
  }

  /** Removes the files that no capture has, and those that are given back from now on. */
  close(): void {
    this.#closed = true;
    this.discard();
  }

  /** Removes the files that no capture has. */
  discard(): void {
    for (const { path, file } of this.#spare.splice(0)) {
      file.close();
      removeIfThere(path, this.#place.ops);
    }
  }

  #make(stem: string, suffix: string, count: number): FreshFile {
    const batch: Batch = { flush: null, failed: false };
    const make = (name: string): FreshFile => {
      const path = join(this.#place.folder, name + suffix);
      const file = this.#place.ops.create(path, this.#place.mode);
      const fresh: FreshFile = {
        path,
        file,
        findable: () => this.#findable(path, batch),
        giveBack: () => this.#takeBack(fresh, batch),
      };
      return fresh;
    };
    const first = make(stem);
    try {
      for (let number = 2; number <= count; number++) this.#spare.push(make(`${stem}-${number}`));
    } catch {
      // Only this capture's own file is needed now; the next capture says what is wrong.
    }
    return first;
  }

  /** The first file of a batch that asks begins the flush for all: all of them are there by then. */
  async #findable(path: string, batch: Batch): Promise<void> {
    try {
      await (batch.flush ??= this.#place.flush());
      // A folder that vanished, as when a disk was away, takes with it what was flushed long ago.
      if (!fileExists(path)) throw new Error("the folder that it was in vanished");
    } catch (error) {
      batch.failed = true;
      this.discard();
      throw error;
    }
  }

  #takeBack(fresh: FreshFile, batch: Batch): void {
    this.#spare.push(fresh);
    if (this.#closed || batch.failed || this.#spare.length > MAX_BATCH) this.discard();
  }
}

/** Files that were made together. */
interface Batch {
  flush: Promise<void> | null;
  failed: boolean;
}
