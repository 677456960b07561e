/** Files that survive a power cut: the operations that durable rooms build on, as a seam, and what goes wrong in words. */

import { statfsSync } from "node:fs";
import { basename, dirname, join } from "@std/path";
import { type ErrorCode, errorText, MailteeError } from "./errors.ts";

/** An open file. Writing blocks for as long as the page cache takes it; flushing never blocks the thread. */
export interface OpenFile {
  /** Writes at the current position and gives how many bytes were taken, which may be fewer than were given. */
  write(bytes: Uint8Array): number;
  /** Moves to an offset from the start, in bytes. */
  seek(offset: number): void;
  /** Takes away all content. */
  truncate(): void;
  /** Makes the content durable (`fdatasync`). One that failed says nothing about what is on disk: never repeat it. */
  syncData(): Promise<void>;
  close(): void;
}

/**
 * The changes that durable rooms make to a file system. `denoFileOps` is the real one; fault tests give one that fails,
 * writes short or stops at a chosen step.
 */
export interface FileOps {
  /** Creates a file for writing; fails where something of that name is there. `mode` holds whatever the umask says. */
  create(path: string, mode: number): OpenFile;
  /** Opens an existing file for writing, at its start. */
  openForWriting(path: string): OpenFile;
  /** Creates one directory; fails where something of that name is there. `mode` holds whatever the umask says. */
  makeDirectory(path: string, mode: number): void;
  /** Gives a file a new name in one step, in place of a file that bears it. */
  rename(from: string, to: string): void;
  /** Removes a file or an empty directory. */
  remove(path: string): void;
  /**
   * Makes a directory's entries durable. Gives false where system or file system have no such flush: Windows, and
   * network file systems that answer EINVAL.
   */
  syncDirectory(path: string): Promise<boolean>;
}

const HAS_MODES = Deno.build.os !== "windows";
const HAS_DIRECTORY_FLUSH = Deno.build.os !== "windows";
/** Bits that a umask usually takes away. */
const SHARED_BITS = 0o077;

export const denoFileOps: FileOps = {
  create(path, mode) {
    const file = Deno.openSync(path, { write: true, createNew: true, mode });
    try {
      widenMode(path, mode);
    } catch (error) {
      file.close();
      throw error;
    }
    return new DenoFile(file);
  },
  openForWriting: (path) => new DenoFile(Deno.openSync(path, { write: true })),
  makeDirectory(path, mode) {
    Deno.mkdirSync(path, { mode });
    widenMode(path, mode);
  },
  rename: (from, to) => Deno.renameSync(from, to),
  remove: (path) => Deno.removeSync(path),
  async syncDirectory(path) {
    if (!HAS_DIRECTORY_FLUSH) return false;
    using directory = Deno.openSync(path, { read: true });
    try {
      await directory.sync();
    } catch (error) {
      if (["EINVAL", "ENOTSUP", "EBADF"].includes(errorNumber(error) ?? "")) return false;
      throw error;
    }
    return true;
  },
};

class DenoFile implements OpenFile {
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  write(bytes: Uint8Array): number {
    return this.#file.writeSync(bytes);
  }

  seek(offset: number): void {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
  }

  truncate(): void {
    this.#file.truncateSync(0);
  }

  syncData(): Promise<void> {
    return this.#file.syncData();
  }

  close(): void {
    this.#file.close();
  }
}

/**
 * Gives a file or folder the bits for others that a umask took away, and leaves set-group-ID, which a folder passes on.
 * Does nothing where systems have no modes.
 */
export function widenMode(path: string, mode: number): void {
  if (!HAS_MODES || (mode & SHARED_BITS) === 0) return;
  const now = Deno.statSync(path).mode ?? 0;
  if ((now & 0o777) !== mode) Deno.chmodSync(path, (now & 0o7000) | mode);
}

/** Writes all bytes, however few the system takes at a time. Throws where it takes none. */
export function writeAll(file: OpenFile, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) {
    const count = file.write(offset === 0 ? bytes : bytes.subarray(offset));
    if (count <= 0) throw new Error(`the system took 0 of ${bytes.length - offset} bytes`);
    offset += count;
  }
}

/**
 * Puts a file in place whole or not at all: temporary file in the same folder, flush, rename, directory flush. Once it
 * resolves the content survives a power cut; a file of that name was replaced. Rejects with MailteeError "disk-full"
 * or "io", and then the old file is as it was.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array,
  options: { readonly mode?: number; readonly ops?: FileOps } = {},
): Promise<void> {
  const ops = options.ops ?? denoFileOps;
  const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
  try {
    const file = ops.create(temporary, options.mode ?? 0o600);
    try {
      writeAll(file, bytes);
      await file.syncData();
    } finally {
      file.close();
    }
    ops.rename(temporary, path);
    await ops.syncDirectory(dirname(path));
  } catch (error) {
    removeIfThere(temporary, ops);
    throw fileError(error, `write ${path}`);
  }
}

/** Removes a file, or an empty directory, that may be gone already; what can't be removed stays. */
export function removeIfThere(path: string, ops: FileOps = denoFileOps): void {
  try {
    ops.remove(path);
  } catch {
    return;
  }
}

/** Creates a directory unless one is there; true where it is new. */
export function ensureDirectory(path: string, mode: number, ops: FileOps = denoFileOps): boolean {
  try {
    ops.makeDirectory(path, mode);
    return true;
  } catch (error) {
    if (isDirectory(path)) return false;
    throw error;
  }
}

/** True where the path leads to a directory. */
export function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** True where something of that name is there. */
export function fileExists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Bytes that an unprivileged process can still write to the file system of `path`. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** The system's name for what went wrong ("ENOSPC"), where the error bears one. */
export function errorNumber(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
/** ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED: Windows' own numbers. */
const FULL_ON_WINDOWS = /\(os error (?:39|112|1295)\)/;

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "Free some space, or choose a folder on another disk.",
  EDQUOT: "Free some space, or raise the quota of this account.",
  EFBIG: "Raise the file size limit of this account or file system.",
  EACCES: "Give the account that runs mailtee the right to write there.",
  EPERM: "Give the account that runs mailtee the right to write there.",
  EROFS: "Mount the file system for writing; a disk with faults is often switched to read-only.",
  ENOENT: "Make sure that the folder is there and, if it's on a network or another disk, that it is mounted.",
  EMFILE: "Raise the limit of open files (ulimit -n, or LimitNOFILE= in a systemd unit).",
  ENFILE: "The whole system is out of open files; raise fs.file-max.",
  EIO: "Look at the system log and check the disk.",
};

/**
 * A failed file operation in words, "disk-full" or "io": `fileError(error, "write /drop/x.eml")`.
 * A MailteeError passes as it is.
 */
export function fileError(error: unknown, attempt: string): MailteeError {
  if (error instanceof MailteeError) return error;
  const number = errorNumber(error);
  const text = errorText(error);
  const full = (number !== undefined && FULL.has(number)) ||
    (Deno.build.os === "windows" && FULL_ON_WINDOWS.test(text));
  const code: ErrorCode = full ? "disk-full" : "io";
  const hint = HINTS[full && number === undefined ? "ENOSPC" : number ?? ""];
  return new MailteeError(code, `cannot ${attempt}: ${text}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
