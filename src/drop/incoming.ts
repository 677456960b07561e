/**
 * `.incoming/`, where captures are made. Each writer has a folder of its own in it, held by a lock for as long as the
 * writer lives, so that several machines can share a drop folder and recovery never touches what another one is writing:
 *
 * ```
 * .incoming/lock                 the gate: held while a writer's folder is made or claimed
 * .incoming/<ULID>/lock          held by the writer
 * .incoming/<ULID>/<name>.part   empty: kept ready for a capture; else a capture in the making, or sealed
 * .incoming/<ULID>/<name>.settled  a sealed capture, written anew because its settlement didn't fit
 * ```
 *
 * A name is the ULID of a capture, or begins with one: which capture a file holds is said by the file alone.
 */

import { dirname, join, resolve } from "@std/path";
import { type Clock, systemClock } from "../base/clock.ts";
import { DirectorySync } from "../base/directory_sync.ts";
import { MailteeError } from "../base/errors.ts";
import { denoFileOps, ensureDirectory, fileError, type FileOps, isDirectory, removeIfThere } from "../base/files.ts";
import { ulidTime } from "../base/ids.ts";
import { type FileLock, lockHolderText, tryLockFile } from "../base/locks.ts";
import { INCOMING_NAME } from "./folder.ts";
import { type FreshFile, FreshFiles } from "./fresh_files.ts";

export interface IncomingOptions {
  /** @default systemClock */
  readonly clock?: Clock;
  /** Mode of captures and lock files. @default 0o600 */
  readonly fileMode?: number;
  /** Mode of folders. @default 0o700 */
  readonly folderMode?: number;
  /** @default denoFileOps */
  readonly ops?: FileOps;
}

export const LOCK_NAME = "lock";
export const PART_SUFFIX = ".part";
export const SETTLED_SUFFIX = ".settled";

export const DEFAULT_FILE_MODE = 0o600;
export const DEFAULT_FOLDER_MODE = 0o700;
const GATE_POLL_MS = 50;
const GATE_PATIENCE_MS = 30_000;

function tryGate(incoming: string, options: IncomingOptions): FileLock | null {
  return tryLockFile(join(incoming, LOCK_NAME), lockOptions(options));
}

function lockOptions(options: IncomingOptions): { clock: Clock; mode: number } {
  return { clock: options.clock ?? systemClock, mode: options.fileMode ?? DEFAULT_FILE_MODE };
}

/**
 * Does short work while holding the gate, waiting for it if need be.
 * Rejects with MailteeError "busy" where others hold it for longer than 30 seconds.
 */
async function throughGate<T>(incoming: string, options: IncomingOptions, work: () => T): Promise<T> {
  const { clock } = lockOptions(options);
  const deadline = clock.monotonicMs() + GATE_PATIENCE_MS;
  for (;;) {
    const gate = tryGate(incoming, options);
    if (gate !== null) {
      try {
        return work();
      } finally {
        gate.release();
      }
    }
    if (clock.monotonicMs() >= deadline) throw gateHeld(incoming);
    await clock.sleep(GATE_POLL_MS);
  }
}

function gateHeld(incoming: string): MailteeError {
  const gate = join(incoming, LOCK_NAME);
  return new MailteeError("busy", `${gate} is held by ${lockHolderText(gate)}`, {
    hint: "Another mailtee is just starting on this drop folder; try again.",
  });
}

/** A writer's own folder in `.incoming/`. */
export class WriterFolder {
  readonly path: string;
  readonly #drop: string;
  readonly #options: IncomingOptions;
  readonly #ops: FileOps;
  readonly #entries: DirectorySync;
  readonly #parents: readonly DirectorySync[];
  readonly #files: FreshFiles;
  #lock: FileLock | null = null;
  #parentsDurable = false;
  /** Grows when the folder had to be made again. */
  #generation = 0;

  private constructor(drop: string, id: string, options: IncomingOptions) {
    const incoming = join(drop, INCOMING_NAME);
    this.#drop = drop;
    this.#options = options;
    this.#ops = options.ops ?? denoFileOps;
    this.path = join(incoming, id);
    this.#entries = new DirectorySync(this.path, this.#ops);
    this.#parents = [incoming, drop].map((path) => new DirectorySync(path, this.#ops));
    this.#files = new FreshFiles({
      folder: this.path,
      ops: this.#ops,
      mode: options.fileMode ?? DEFAULT_FILE_MODE,
      flush: () => this.flush(),
    });
  }

  /**
   * Makes a writer's folder, and the drop folder itself where only that is missing. Rejects with MailteeError "io",
   * "disk-full", or "busy".
   */
  static async open(drop: string, id: string, options: IncomingOptions): Promise<WriterFolder> {
    const folder = new WriterFolder(drop, id, options);
    const mode = options.folderMode ?? DEFAULT_FOLDER_MODE;
    try {
      if (ensureDirectory(drop, mode, folder.#ops)) await folder.#ops.syncDirectory(dirname(resolve(drop)));
      const incoming = join(drop, INCOMING_NAME);
      ensureDirectory(incoming, mode, folder.#ops);
      await throughGate(incoming, options, () => folder.#make());
      await folder.flush();
    } catch (error) {
      folder.release();
      throw fileError(error, `write into the drop folder ${drop}`);
    }
    return folder;
  }

  /** How many times the folder's entries were flushed. */
  get flushes(): number {
    return this.#entries.flushes;
  }

  /**
   * An empty file for a capture; of so many captures at once, others may find theirs ready. Throws the system's own error
   * where it can't be made.
   */
  freshFile(captureId: string, capturesAtOnce: number): FreshFile {
    return this.#files.take(captureId, PART_SUFFIX, capturesAtOnce);
  }

  /**
   * Makes the folder again after it vanished, as when a disk was away. The drop folder itself has to be there: a missing
   * one may be a network folder that isn't mounted, and what is written in its place would be lost to sight.
   */
  restore(): void {
    if (!isDirectory(this.#drop)) {
      throw new MailteeError("io", `the drop folder ${this.#drop} isn't there`, {
        hint: "Mount it, or make it again; mailtee goes on by itself as soon as it's there.",
      });
    }
    const incoming = join(this.#drop, INCOMING_NAME);
    ensureDirectory(incoming, this.#options.folderMode ?? DEFAULT_FOLDER_MODE, this.#ops);
    const gate = tryGate(incoming, this.#options);
    if (gate === null) throw gateHeld(incoming);
    try {
      this.#make();
    } finally {
      gate.release();
    }
  }

  #make(): void {
    ensureDirectory(this.path, this.#options.folderMode ?? DEFAULT_FOLDER_MODE, this.#ops);
    this.#lock?.release();
    this.#parentsDurable = false;
    this.#generation++;
    const path = join(this.path, LOCK_NAME);
    this.#lock = tryLockFile(path, lockOptions(this.#options));
    if (this.#lock === null) throw new MailteeError("busy", `${path} is held by ${lockHolderText(path)}`);
  }

  /** Resolves once all files that the folder has now can be found after a power cut. */
  async flush(): Promise<void> {
    if (this.#parentsDurable) return await this.#entries.flush();
    const generation = this.#generation;
    await Promise.all([this.#entries, ...this.#parents].map((directory) => directory.flush()));
    if (this.#generation === generation) this.#parentsDurable = true;
  }

  /** Lets the folder go. It disappears if nothing is left in it; if something is, the next start recovers it. */
  release(): void {
    if (this.#lock === null) return;
    this.#files.close();
    leaveWriterFolder({ path: this.path, lock: this.#lock }, this.#ops);
    this.#lock = null;
  }
}

/**
 * Gives the lock of a writer's folder back, and removes the folder if nothing else is in it. Network file systems, and
 * Windows, keep a removed file in its folder for as long as it is open: there the folder goes after the lock.
 */
export function leaveWriterFolder({ path, lock }: ClaimedFolder, ops: FileOps): void {
  const empty = holdsOnlyItsLock(path);
  if (empty) {
    removeIfThere(join(path, LOCK_NAME), ops);
    removeIfThere(path, ops);
  }
  lock.release();
  if (empty && isDirectory(path)) removeIfThere(path, ops);
}

function holdsOnlyItsLock(path: string): boolean {
  try {
    return Array.from(Deno.readDirSync(path)).every(({ name }) => name === LOCK_NAME);
  } catch {
    return false;
  }
}

/** A writer's folder that nobody holds any more, now held by the caller. */
export interface ClaimedFolder {
  readonly path: string;
  readonly lock: FileLock;
}

/**
 * Claims all writer folders whose owners are gone. The caller releases each lock.
 * Gives also those that couldn't be looked into, with the error. Rejects with MailteeError "io" or "busy".
 */
export async function claimAbandoned(
  drop: string,
  options: IncomingOptions,
): Promise<{ claimed: ClaimedFolder[]; failed: { path: string; error: unknown }[] }> {
  const incoming = join(drop, INCOMING_NAME);
  const claimed: ClaimedFolder[] = [];
  const failed: { path: string; error: unknown }[] = [];
  if (!isDirectory(incoming)) return { claimed, failed };
  await throughGate(incoming, options, () => {
    for (const entry of Deno.readDirSync(incoming)) {
      if (!entry.isDirectory || Number.isNaN(ulidTime(entry.name))) continue;
      const path = join(incoming, entry.name);
      try {
        const lock = tryLockFile(join(path, LOCK_NAME), lockOptions(options));
        if (lock !== null) claimed.push({ path, lock });
      } catch (error) {
        failed.push({ path, error });
      }
    }
  });
  return { claimed, failed };
}
