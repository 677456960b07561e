import { decodeUtf8, encodeUtf8 } from "./bytes.ts";
import { type Clock, systemClock } from "./clock.ts";
import { fileError, widenMode } from "./files.ts";

/** Who holds a lock, as far as the lock file tells. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** A lock that this process holds. Its death, however it comes, releases the lock too. */
export interface FileLock {
  readonly path: string;
  /** Gives the lock back; the file stays. Safe to call more than once. */
  release(): void;
}

/**
 * Takes the exclusive lock of a file (`flock`, LockFileEx), creating it where it's missing, and writes into it who holds
 * it. Gives null where somebody else holds it, be it another part of this process. Never waits.
 *
 * The file is never removed by taking or releasing, since a lock on a removed file excludes nobody.
 * Throws MailteeError "io" where the file can't be opened or its file system has no locks.
 */
export function tryLockFile(
  path: string,
  options: { readonly clock?: Clock; readonly mode?: number } = {},
): FileLock | null {
  let file: Deno.FsFile | undefined;
  try {
    file = Deno.openSync(path, { read: true, write: true, create: true, mode: options.mode ?? 0o600 });
    if (!file.tryLockSync(true)) {
      file.close();
      return null;
    }
    shareLockFile(path, options.mode);
    writeHolder(file, options.clock ?? systemClock);
  } catch (error) {
    file?.close();
    throw fileError(error, `lock ${path}`);
  }
  return new HeldLock(path, file);
}

class HeldLock implements FileLock {
  readonly path: string;
  #file: Deno.FsFile | null;

  constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  release(): void {
    const file = this.#file;
    if (file === null) return;
    this.#file = null;
    try {
      // Closing isn't enough while a child process is being started, which has the open file too until its program runs.
      file.unlockSync();
    } catch {
      // Closing is enough at any other time.
    }
    file.close();
  }
}

/** Only the account that made the file may change its mode; it did so when it made it. */
function shareLockFile(path: string, mode: number | undefined): void {
  if (mode === undefined) return;
  try {
    widenMode(path, mode);
  } catch {
    return;
  }
}

/** The lock counts without its holder's name too, as on a full disk. */
function writeHolder(file: Deno.FsFile, clock: Clock): void {
  const holder: LockHolder = {
    pid: Deno.pid,
    host: Deno.hostname(),
    since: new Date(clock.now()).toISOString(),
  };
  try {
    file.truncateSync(0);
    file.writeSync(encodeUtf8(JSON.stringify(holder) + "\n"));
  } catch {
    return;
  }
}

/**
 * Who holds the lock of a file, or held it last; null where the file doesn't tell. On Windows a held lock's file can't
 * be read.
 */
export function readLockHolder(path: string): LockHolder | null {
  try {
    const value: unknown = JSON.parse(decodeUtf8(Deno.readFileSync(path)));
    return isHolder(value) ? value : null;
  } catch {
    return null;
  }
}

function isHolder(value: unknown): value is LockHolder {
  return typeof value === "object" && value !== null &&
    "pid" in value && typeof value.pid === "number" &&
    "host" in value && typeof value.host === "string" &&
    "since" in value && typeof value.since === "string";
}

/** The holder in words, for messages: `process 4711 on mail1 since 2026-11-24T11:55:01.123Z`. */
export function lockHolderText(path: string): string {
  const holder = readLockHolder(path);
  return holder === null ? "another process" : `process ${holder.pid} on ${holder.host} since ${holder.since}`;
}
