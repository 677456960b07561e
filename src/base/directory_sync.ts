import { denoFileOps, type FileOps } from "./files.ts";

/**
 * Flushes of one directory, shared by all who wait: whoever asks while none is under way starts one; whoever asks
 * during one gets the next, together with all who ask until that begins. So each caller's flush began after it asked,
 * and n callers at once cost two flushes, not n.
 */
export class DirectorySync {
  readonly #path: string;
  readonly #ops: FileOps;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #flushes = 0;

  constructor(path: string, ops: FileOps = denoFileOps) {
    this.#path = path;
    this.#ops = ops;
  }

  /** How many flushes were begun. */
  get flushes(): number {
    return this.#flushes;
  }

  /**
   * Resolves once all entries that the directory has now are durable. Rejects with the system's error where the flush
   * failed; so do the calls that came while it was under way, because the failed flush may have covered their entries
   * and a later success would say nothing about these.
   */
  flush(): Promise<void> {
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#start();
    return this.#next = this.#running.then(() => this.#start());
  }

  #start(): Promise<void> {
    this.#next = null;
    this.#flushes++;
    const flush = this.#ops.syncDirectory(this.#path).then(() => {
      this.#running = null;
    }, (error) => {
      this.#running = null;
      this.#next = null;
      throw error;
    });
    this.#running = flush;
    return flush;
  }
}
