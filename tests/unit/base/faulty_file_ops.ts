import { denoFileOps, type FileOps, type OpenFile } from "../../../src/base/files.ts";

/**
 * What happens at the chosen step:
 * - fail: the system says EIO, nothing is done
 * - full: a write takes half of its bytes and all further writes say ENOSPC; other steps say ENOSPC
 * - short: a write takes half of its bytes, and says so
 * - crash-before, crash-after: the process dies, with the step undone or done
 * - crash-short: the process dies in the middle of a write
 */
export const FAULTS = ["fail", "full", "short", "crash-before", "crash-after", "crash-short"] as const;
export type Fault = typeof FAULTS[number];

/** Thrown by the step at which the process died, and by all that is tried after it. */
export class Crash extends Error {}

/** The real file operations, counted and noted, with a fault at one of them. Closing is no step: it can't fail. */
export class FaultyFileOps implements FileOps {
  /** What was done, in order: `write 512 x.part`. */
  readonly steps: string[] = [];
  readonly #files: OpenFile[] = [];
  readonly #at: number;
  readonly #fault: Fault;
  #crashed = false;
  #full = false;

  constructor(at = -1, fault: Fault = "fail") {
    this.#at = at;
    this.#fault = fault;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  create(path: string, mode: number): OpenFile {
    return this.#step(`create ${path}`, () => this.#opened(denoFileOps.create(path, mode), path));
  }

  openForWriting(path: string): OpenFile {
    return this.#step(`open ${path}`, () => this.#opened(denoFileOps.openForWriting(path), path));
  }

  makeDirectory(path: string, mode: number): void {
    this.#step(`makeDirectory ${path}`, () => denoFileOps.makeDirectory(path, mode));
  }

  rename(from: string, to: string): void {
    this.#step(`rename ${from}`, () => denoFileOps.rename(from, to));
  }

  remove(path: string): void {
    this.#step(`remove ${path}`, () => denoFileOps.remove(path));
  }

  syncDirectory(path: string): Promise<boolean> {
    return this.#flush(`syncDirectory ${path}`, () => denoFileOps.syncDirectory(path));
  }

  syncData(file: OpenFile, path: string): Promise<void> {
    return this.#flush(`syncData ${path}`, () => file.syncData());
  }

  write(file: OpenFile, path: string, bytes: Uint8Array): number {
    const at = this.steps.length;
    if (this.#full) throw systemError("ENOSPC");
    if (at === this.#at && (this.#fault === "short" || this.#fault === "full" || this.#fault === "crash-short")) {
      this.#full = this.#fault === "full";
      return this.#step(`write ${bytes.length} ${path}`, () => file.write(bytes.subarray(0, bytes.length >> 1)));
    }
    return this.#step(`write ${bytes.length} ${path}`, () => file.write(bytes));
  }

  /** Closes the files that a crash left open, as the end of a process does. */
  closeAll(): void {
    for (const file of this.#files) file.close();
  }

  #opened(real: OpenFile, path: string): OpenFile {
    const file = new FaultyFile(real, path, this);
    this.#files.push(file);
    return file;
  }

  /** Notes when a flush began, and a second line when it was done. */
  async #flush<T>(name: string, run: () => Promise<T>): Promise<T> {
    let flush: Promise<T> | undefined;
    try {
      const result = await this.#step(name, () => flush = run());
      this.steps.push(`done ${name}`);
      return result;
    } finally {
      await flush;
    }
  }

  truncate(file: OpenFile, path: string): void {
    this.#step(`truncate ${path}`, () => file.truncate());
  }

  #step<T>(name: string, run: () => T): T {
    if (this.#crashed) throw new Crash(name);
    const hit = this.steps.length === this.#at;
    this.steps.push(name);
    if (!hit) return run();
    switch (this.#fault) {
      case "fail":
        throw systemError("EIO");
      case "full":
        if (this.#full) return run();
        throw systemError("ENOSPC");
      case "short":
        return run();
      case "crash-before":
        this.#crashed = true;
        throw new Crash(name);
      default:
        this.#crashed = true;
        run();
        throw new Crash(name);
    }
  }
}

class FaultyFile implements OpenFile {
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #ops: FaultyFileOps;
  #open = true;

  constructor(file: OpenFile, path: string, ops: FaultyFileOps) {
    this.#file = file;
    this.#path = path;
    this.#ops = ops;
  }

  write(bytes: Uint8Array): number {
    return this.#ops.write(this.#file, this.#path, bytes);
  }

  seek(offset: number): void {
    this.#file.seek(offset);
  }

  truncate(): void {
    this.#ops.truncate(this.#file, this.#path);
  }

  syncData(): Promise<void> {
    return this.#ops.syncData(this.#file, this.#path);
  }

  close(): void {
    if (this.#open) this.#file.close();
    this.#open = false;
  }
}

/** An error as the system gives it, with its code. */
export function systemError(code: "EIO" | "ENOSPC" | "EINVAL" | "EDQUOT" | "EROFS"): Error {
  return Object.assign(new Error(`injected ${code}`), { code });
}
