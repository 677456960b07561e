import { denoFileOps, type FileOps, type OpenFile } from "../../src/base/files.ts";
import { Death, type Fate } from "./fate.ts";

/**
 * File operations that are steps of a fate. A write that is torn leaves some of its bytes; any other step that is torn
 * is done or not done, by chance.
 */
export class DyingFileOps implements FileOps {
  readonly #fate: Fate;
  readonly #real: FileOps;

  constructor(fate: Fate, real: FileOps = denoFileOps) {
    this.#fate = fate;
    this.#real = real;
  }

  create(path: string, mode: number): OpenFile {
    return this.#step(`create ${path}`, () => new DyingFile(this.#real.create(path, mode), path, this.#fate));
  }

  openForWriting(path: string): OpenFile {
    return this.#step(`open ${path}`, () => new DyingFile(this.#real.openForWriting(path), path, this.#fate));
  }

  makeDirectory(path: string, mode: number): void {
    this.#step(`make ${path}`, () => this.#real.makeDirectory(path, mode));
  }

  rename(from: string, to: string): void {
    this.#step(`rename ${from} to ${to}`, () => this.#real.rename(from, to));
  }

  remove(path: string): void {
    this.#step(`remove ${path}`, () => this.#real.remove(path));
  }

  async syncDirectory(path: string): Promise<boolean> {
    liveThrough(this.#fate, `flush folder ${path}`);
    return await survive(this.#fate, this.#real.syncDirectory(path));
  }

  #step<T>(name: string, run: () => T): T {
    if (this.#fate.step(name) === "whole") return run();
    if (this.#fate.random() < 0.5) {
      const made = run();
      // Nobody will close what nobody has got.
      if (made instanceof DyingFile) made.close();
    }
    this.#fate.bury();
    throw new Death(name);
  }
}

class DyingFile implements OpenFile {
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #fate: Fate;

  constructor(file: OpenFile, path: string, fate: Fate) {
    this.#file = file;
    this.#path = path;
    this.#fate = fate;
  }

  write(bytes: Uint8Array): number {
    if (this.#fate.step(`write ${this.#path}`) === "whole") return this.#file.write(bytes);
    const torn = bytes.subarray(0, Math.floor(this.#fate.random() * (bytes.length + 1)));
    if (torn.length > 0) this.#file.write(torn);
    this.#fate.bury();
    throw new Death(`write ${this.#path}`);
  }

  seek(offset: number): void {
    this.#file.seek(offset);
  }

  truncate(): void {
    liveThrough(this.#fate, `truncate ${this.#path}`);
    this.#file.truncate();
  }

  async syncData(): Promise<void> {
    liveThrough(this.#fate, `flush ${this.#path}`);
    await survive(this.#fate, this.#file.syncData());
  }

  /** The end of a process closes its files, too. */
  close(): void {
    this.#file.close();
  }
}

function liveThrough(fate: Fate, name: string): void {
  if (fate.step(name) === "whole") return;
  fate.bury();
  throw new Death(name);
}

/** Nobody hears of a flush that ends after the program's death. */
async function survive<T>(fate: Fate, flush: Promise<T>): Promise<T> {
  const result = await flush;
  if (fate.dead) throw new Death("flush");
  return result;
}
