import { systemClock } from "../base/clock.ts";
import { MailteeError } from "../base/errors.ts";
import { denoFileOps, errorNumber, fileError, freeBytes, isDirectory } from "../base/files.ts";
import { createUlidMaker } from "../base/ids.ts";
import { type CaptureContext, type EndState, FileCapture } from "./file_capture.ts";
import type { FreshFile } from "./fresh_files.ts";
import { DEFAULT_FILE_MODE, DEFAULT_FOLDER_MODE, type IncomingOptions, WriterFolder } from "./incoming.ts";
import { recoverCapture, recoverDropFolder } from "./recovery.ts";
import type { Capture, CaptureStart, DropWriter, Recovery } from "./types.ts";

export interface DropWriterOptions extends IncomingOptions {
  /** Makes the captures' ULIDs; each greater than the one before. @default createUlidMaker(clock.now) */
  readonly ids?: () => string;
  /** Host part of the addresses in a capture's own header. @default this machine's name */
  readonly hostName?: string;
  /** Where less space is free, no capture is begun. @default 67108864, 64 MiB */
  readonly lowWaterBytes?: number;
  /** Bytes free on the file system of a path. @default freeBytes of base/files.ts */
  readonly freeBytes?: (path: string) => number;
}

/** What a writer did since it was opened. */
export interface DropWriterCounters {
  /** Captures under way. */
  readonly open: number;
  readonly committed: number;
  /** Captures that couldn't be begun, or ended by a failure of the disk. */
  readonly failed: number;
  /** Sealed captures whose commit failed; they are tried again every five seconds, and at the next start. */
  readonly setAside: number;
  /** Octets of the mails in committed captures. */
  readonly bytes: number;
  /** Flushes of the directory that captures are made in. */
  readonly directoryFlushes: number;
}

/** A drop writer over files, with what `mailtee status` wants to know of it. */
export interface FileDropWriter extends DropWriter {
  /** What an earlier writer had left behind, found at the opening. */
  readonly recovery: Recovery;
  counters(): DropWriterCounters;
}

/** Where less is free, no capture is begun. */
export const DEFAULT_LOW_WATER_BYTES = 64 * 1024 * 1024;
const SPACE_CHECK_INTERVAL_MS = 1000;
const RETRY_INTERVAL_MS = 5000;

/**
 * Opens a drop folder for writing: recovers what died in `.incoming/`, then makes a folder of its own in there. Creates
 * the drop folder where only its last part is missing.
 * Rejects with MailteeError "io" or "disk-full", or "busy" where others are just starting on it.
 */
export async function openDropWriter(path: string, options: DropWriterOptions = {}): Promise<FileDropWriter> {
  const settings = withDefaults(options);
  const recovery = await recoverDropFolder(path, settings);
  const folder = await WriterFolder.open(path, settings.ids(), settings);
  return new FolderWriter(path, folder, recovery, settings);
}

function withDefaults(options: DropWriterOptions): Required<DropWriterOptions> {
  const clock = options.clock ?? systemClock;
  return {
    clock,
    ops: options.ops ?? denoFileOps,
    fileMode: options.fileMode ?? DEFAULT_FILE_MODE,
    folderMode: options.folderMode ?? DEFAULT_FOLDER_MODE,
    ids: options.ids ?? createUlidMaker(() => clock.now()),
    hostName: hostPart(options.hostName ?? Deno.hostname()),
    lowWaterBytes: options.lowWaterBytes ?? DEFAULT_LOW_WATER_BYTES,
    freeBytes: options.freeBytes ?? freeBytes,
  };
}

/** A host name that may stand in a header; a machine's name can hold anything. */
function hostPart(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9.-]/g, "");
  return safe === "" ? "localhost" : safe;
}

class FolderWriter implements FileDropWriter {
  readonly path: string;
  readonly recovery: Recovery;
  readonly #folder: WriterFolder;
  readonly #settings: Required<DropWriterOptions>;
  readonly #context: CaptureContext;
  readonly #open = new Set<FileCapture>();
  readonly #setAside = new Set<FileCapture>();
  readonly #closing = new AbortController();
  #retrying: Promise<void> | null = null;
  #spaceCheckedAt = -Infinity;
  #lowOnSpace = false;
  #committed = 0;
  #failed = 0;
  #bytes = 0;

  constructor(path: string, folder: WriterFolder, recovery: Recovery, settings: Required<DropWriterOptions>) {
    this.path = path;
    this.recovery = recovery;
    this.#folder = folder;
    this.#settings = settings;
    const { ops, clock, hostName, fileMode } = settings;
    const ended = (capture: FileCapture, state: EndState) => this.#ended(capture, state);
    this.#context = { drop: path, folder, ops, clock, hostName, fileMode, ended };
  }

  begin(start: CaptureStart): Capture {
    if (this.#closing.signal.aborted) throw new MailteeError("io", `the drop folder ${this.path} was closed`);
    try {
      this.#checkSpace();
      const id = this.#settings.ids();
      const capture = new FileCapture(id, start, this.#freshFile(id), this.#context);
      this.#open.add(capture);
      return capture;
    } catch (error) {
      this.#failed++;
      throw fileError(error, `begin a capture in ${this.path}`);
    }
  }

  /** A folder that vanished is made again once. */
  #freshFile(id: string): FreshFile {
    const atOnce = Math.max(1, this.#open.size);
    try {
      return this.#folder.freshFile(id, atOnce);
    } catch (error) {
      if (errorNumber(error) !== "ENOENT" && !(error instanceof Deno.errors.NotFound)) throw error;
      this.#folder.restore();
      return this.#folder.freshFile(id, atOnce);
    }
  }

  /** Looks at the free space once a second at most. */
  #checkSpace(): void {
    const { clock, lowWaterBytes } = this.#settings;
    const now = clock.monotonicMs();
    if (now - this.#spaceCheckedAt >= SPACE_CHECK_INTERVAL_MS) {
      this.#spaceCheckedAt = now;
      this.#lowOnSpace = this.#measuredFreeBytes() < lowWaterBytes;
    }
    if (this.#lowOnSpace) {
      const mebibytes = (lowWaterBytes / (1024 * 1024)).toFixed(0);
      throw new MailteeError("disk-full", `less than ${mebibytes} MiB are free for the drop folder ${this.path}`, {
        hint: "Free some space; mails are taken again within a second.",
      });
    }
  }

  /** Infinity where the system doesn't tell: then the write itself shows whether there's room. */
  #measuredFreeBytes(): number {
    try {
      return this.#settings.freeBytes(this.path);
    } catch {
      return Infinity;
    }
  }

  #ended(capture: FileCapture, state: EndState): void {
    this.#open.delete(capture);
    if (state === "committed") this.#count(capture);
    if (state === "failed" || state === "set-aside") this.#failed++;
    if (state !== "set-aside") return;
    this.#setAside.add(capture);
    if (!this.#closing.signal.aborted) this.#retrying ??= this.#retry(this.#closing.signal);
  }

  #count(capture: FileCapture): void {
    this.#committed++;
    this.#bytes += capture.size;
  }

  /** Puts captures in place whose commit failed, as soon as the fault has ended. */
  async #retry(closing: AbortSignal): Promise<void> {
    while (this.#setAside.size > 0) {
      try {
        await this.#settings.clock.sleep(RETRY_INTERVAL_MS, closing);
      } catch {
        break;
      }
      for (const capture of [...this.#setAside]) {
        if (!closing.aborted) await this.#retryOne(capture);
      }
    }
    this.#retrying = null;
  }

  async #retryOne(capture: FileCapture): Promise<void> {
    if (!isDirectory(this.#folder.path)) return;
    try {
      const { committed } = await recoverCapture(this.path, this.#folder.path, capture.fileStem, this.#settings.ops);
      this.#setAside.delete(capture);
      if (committed !== null) this.#count(capture);
    } catch {
      return;
    }
  }

  counters(): DropWriterCounters {
    return {
      open: this.#open.size,
      committed: this.#committed,
      failed: this.#failed,
      setAside: this.#setAside.size,
      bytes: this.#bytes,
      directoryFlushes: this.#folder.flushes,
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const capture of [...this.#open]) capture.abandon();
    await this.#retrying;
    this.#folder.release();
  }
}
