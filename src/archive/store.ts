/** The content store in a folder: `<2 hex digits>/<SHA-256>.eml.zst`. */

import { createHash } from "node:crypto";
import { dirname, join, resolve } from "@std/path";
import { concatBytes } from "../base/bytes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { DirectorySync } from "../base/directory_sync.ts";
import { errorText, MailteeError } from "../base/errors.ts";
import {
  denoFileOps,
  ensureDirectory,
  errorNumber,
  fileError,
  type FileOps,
  isDirectory,
  removeIfThere,
} from "../base/files.ts";
import type { MailContent } from "../message/types.ts";
import { FileStoreBatch } from "./store_batch.ts";
import { StoredFileReading } from "./stored_file.ts";
import type { PutOptions, Store, StoreBatch, StoreCheck, StoredContent, StoreEntry } from "./types.ts";

/** Where content is made, beside the folders of finished content. */
const INCOMING = "incoming";
const TEMPORARY = /^[0-9a-f-]{36}\.tmp$/;
const SHARD = /^[0-9a-f]{2}$/;
const CONTENT = /^([0-9a-f]{64})\.eml\.zst$/;
/** What a crash left is removed at this age; nothing that is still being written grows so old. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;

export interface FileStoreOptions {
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default denoFileOps */
  readonly ops?: FileOps;
  /** @default 0o600 */
  readonly fileMode?: number;
  /** @default 0o700 */
  readonly folderMode?: number;
  /** Makes no folders and removes no leftovers. @default false */
  readonly readOnly?: boolean;
}

/** Opens the store in a folder, which is made unless it is there. Throws MailteeError "io" or "disk-full". */
export async function openFileStore(folder: string, options: FileStoreOptions = {}): Promise<FileStore> {
  const store = new FileStore(folder, options);
  if (options.readOnly !== true) await store.prepare(options.clock ?? systemClock);
  return store;
}

export class FileStore implements Store {
  readonly folder: string;
  readonly ops: FileOps;
  readonly fileMode: number;
  readonly #folderMode: number;
  readonly #syncs = new Map<string, DirectorySync>();
  /** Folders that are there. */
  readonly #shards = new Set<string>();
  readonly #durableShards = new Set<string>();

  constructor(folder: string, options: FileStoreOptions) {
    this.folder = folder;
    this.ops = options.ops ?? denoFileOps;
    this.fileMode = options.fileMode ?? 0o600;
    this.#folderMode = options.folderMode ?? 0o700;
  }

  /** Makes the folders, and removes what crashes left long ago. */
  async prepare(clock: Clock): Promise<void> {
    try {
      await this.#makeFolders();
      // The folder of unfinished content alone: a store of a million mails opens as fast as an empty one.
      for await (const entry of this.#listFolder(INCOMING)) {
        if (entry.kind !== "temporary") continue;
        if (clock.now() - entry.modified > LEFTOVER_AGE_MS) removeIfThere(entry.file, this.ops);
      }
    } catch (error) {
      throw fileError(error, `open the store ${this.folder}`);
    }
  }

  /** The folder for content in the making comes last: where it is, the store's own entry is durable. */
  async #makeFolders(): Promise<void> {
    const incoming = join(this.folder, INCOMING);
    if (isDirectory(incoming)) return;
    ensureDirectory(this.folder, this.#folderMode, this.ops);
    await this.ops.syncDirectory(dirname(resolve(this.folder)));
    ensureDirectory(incoming, this.#folderMode, this.ops);
    await this.#syncFolder(this.folder);
  }

  async put(content: MailContent, options: PutOptions = {}): Promise<StoredContent> {
    const batch = this.batch();
    try {
      const stored = await batch.add(content, options);
      await batch.flush();
      return stored;
    } finally {
      await batch.abandon();
    }
  }

  batch(): StoreBatch {
    return new FileStoreBatch(this);
  }

  has(sha256: string): Promise<boolean> {
    return exists(this.pathOf(sha256));
  }

  async *open(sha256: string): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    const hash = createHash("sha256");
    try {
      for await (const piece of new StoredFileReading(this.pathOf(sha256)).pieces()) {
        hash.update(piece);
        yield piece;
      }
    } catch (error) {
      throw this.#readError(error, sha256);
    }
    if (hash.digest("hex") !== sha256) throw damaged(sha256, "what is stored isn't the mail that was put there");
  }

  async read(sha256: string): Promise<Uint8Array<ArrayBuffer>> {
    return concatBytes(await Array.fromAsync(this.open(sha256)));
  }

  async check(sha256: string): Promise<StoreCheck> {
    const reading = new StoredFileReading(this.pathOf(sha256));
    const hash = createHash("sha256");
    let size = 0;
    try {
      for await (const piece of reading.pieces()) {
        hash.update(piece);
        size += piece.length;
      }
    } catch (error) {
      const { code, message } = this.#readError(error, sha256);
      if (code === "not-found") return { state: "missing" };
      if (code === "damaged") return { state: "damaged", reason: message, mailIsWhole: false };
      return { state: "unreadable", reason: message };
    }
    if (hash.digest("hex") !== sha256) {
      return { state: "damaged", reason: "what is stored isn't the mail that was put there", mailIsWhole: false };
    }
    if (reading.sealed) return { state: "sound", size };
    return { state: "damaged", reason: "its file was changed, though the mail in it is whole", mailIsWhole: true };
  }

  async *list(): AsyncGenerator<StoreEntry> {
    for await (const { name, isDirectory } of Deno.readDir(this.folder)) {
      if (!isDirectory || !(SHARD.test(name) || name === INCOMING)) {
        yield { kind: "foreign", file: join(this.folder, name) };
        continue;
      }
      yield* this.#listFolder(name);
    }
  }

  async *#listFolder(folderName: string): AsyncGenerator<StoreEntry> {
    const folder = join(this.folder, folderName);
    for await (const { name } of Deno.readDir(folder)) {
      const entry = await storeEntry(join(folder, name), folderName, name);
      if (entry !== null) yield entry;
    }
  }

  /** Where a content lies, or will lie. */
  pathOf(sha256: string): string {
    return join(this.folder, shardOf(sha256), `${sha256}.eml.zst`);
  }

  /** A new name for content in the making. */
  temporaryPath(): string {
    return join(this.folder, INCOMING, `${crypto.randomUUID()}.tmp`);
  }

  /** Makes the folder of a content unless it is there. */
  ensureShard(sha256: string): void {
    const shard = shardOf(sha256);
    if (this.#shards.has(shard)) return;
    ensureDirectory(join(this.folder, shard), this.#folderMode, this.ops);
    this.#shards.add(shard);
  }

  /**
   * Makes the names of contents durable, and those of the folders that they lie in: a folder that was there may have
   * been made by another process, which hasn't flushed it yet.
   */
  async syncNames(contents: Iterable<string>): Promise<void> {
    const shards = new Set(Array.from(contents, shardOf));
    const newShards = [...shards].filter((shard) => !this.#durableShards.has(shard));
    const folders = Array.from(shards, (shard) => join(this.folder, shard));
    if (newShards.length > 0) folders.push(this.folder);
    await Promise.all(folders.map((folder) => this.#syncFolder(folder)));
    for (const shard of newShards) this.#durableShards.add(shard);
  }

  /** Makes the entries of a folder durable, together with all others who ask. */
  #syncFolder(folder: string): Promise<void> {
    let sync = this.#syncs.get(folder);
    if (sync === undefined) this.#syncs.set(folder, sync = new DirectorySync(folder, this.ops));
    return sync.flush();
  }

  #readError(error: unknown, sha256: string): MailteeError {
    if (error instanceof Deno.errors.NotFound) {
      return new MailteeError("not-found", `the store has no mail ${sha256}`, { cause: error });
    }
    // Errors of zstd bear no number of the system.
    if (errorNumber(error) === undefined) return damaged(sha256, errorText(error), error);
    return fileError(error, `read ${this.pathOf(sha256)}`);
  }
}

/** The name of the folder that a content lies in. */
function shardOf(sha256: string): string {
  return sha256.slice(0, 2);
}

function damaged(sha256: string, reason: string, cause?: unknown): MailteeError {
  return new MailteeError("damaged", `the stored mail ${sha256} is damaged: ${reason}`, {
    cause,
    hint: "Run `mailtee verify` to see what else is, and take the mail from a backup of the archive.",
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileError(error, `look for ${path}`);
  }
}

/** Null where the file has gone in between. */
async function storeEntry(file: string, folderName: string, name: string): Promise<StoreEntry | null> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw fileError(error, `look at ${file}`);
  }
  const sha256 = CONTENT.exec(name)?.[1];
  if (!info.isFile) return { kind: "foreign", file };
  if (folderName === INCOMING && TEMPORARY.test(name)) {
    return { kind: "temporary", file, modified: info.mtime?.getTime() ?? 0 };
  }
  if (sha256?.startsWith(folderName)) return { kind: "content", sha256, file, storedSize: info.size };
  return { kind: "foreign", file };
}
