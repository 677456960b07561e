/** Putting many mails into the store with shared flushes. */

import { existsSync } from "node:fs";
import { concatBytes } from "../base/bytes.ts";
import { MailteeError } from "../base/errors.ts";
import { fileError, type FileOps, type OpenFile, removeIfThere, writeAll } from "../base/files.ts";
import type { MailContent } from "../message/types.ts";
import { AT_ONCE_BYTES, type EncodedContent, encodeStoredFile } from "./stored_file.ts";
import type { PutOptions, StoreBatch, StoreCheck, StoredContent } from "./types.ts";

/** Stored files that are held in memory; more than that is written before the flush. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** Files that are open at once. */
const MAX_OPEN_FILES = 256;

/** What a batch needs of the store that it is for. */
export interface BatchStore {
  readonly folder: string;
  readonly ops: FileOps;
  readonly fileMode: number;
  /** Where a content lies, or will lie. */
  pathOf(sha256: string): string;
  /** A new name for content in the making. */
  temporaryPath(): string;
  /** Makes the folder of a content unless it is there. */
  ensureShard(sha256: string): void;
  /** Makes the names of contents durable. */
  syncNames(contents: Iterable<string>): Promise<void>;
  check(sha256: string): Promise<StoreCheck>;
}

/**
 * Common mails are held in memory as they will be stored, large ones are written at once. `flush` writes what was held,
 * flushes all files together, gives them their names and flushes the folders.
 *
 * What is held is written before any of it is flushed: a file system makes whoever creates a file wait while its journal
 * is written, and that was a quarter of a run's time.
 */
export class FileStoreBatch implements StoreBatch {
  readonly #store: BatchStore;
  /** Octets of stored files, by the SHA-256 of their mails. */
  readonly #held = new Map<string, Uint8Array>();
  #heldBytes = 0;
  /** Temporary files by the SHA-256 of their mails. */
  readonly #written = new Map<string, string>();
  /** Flushes of large mails; each resolves to null, or to why it failed. */
  readonly #flushes: Promise<unknown>[] = [];
  /** Contents that were there already; their names may not be durable yet. */
  readonly #existing = new Set<string>();
  #ended = false;

  constructor(store: BatchStore) {
    this.#store = store;
  }

  async add(content: MailContent, options: PutOptions = {}): Promise<StoredContent> {
    if (this.#ended) throw new TypeError("this batch was ended");
    return content instanceof Uint8Array && content.length <= AT_ONCE_BYTES
      ? await this.#hold(content, options)
      : await this.#write(content, options);
  }

  async flush(): Promise<void> {
    if (this.#ended) throw new TypeError("this batch was ended");
    try {
      await this.#writeHeld();
      throwFirst(await Promise.all(this.#flushes));
      this.#publish();
      await this.#store.syncNames([...this.#written.keys(), ...this.#existing]);
      this.#ended = true;
    } catch (error) {
      throw fileError(error, `store mails in ${this.#store.folder}`);
    } finally {
      await this.abandon();
    }
  }

  async abandon(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#held.clear();
    await Promise.all(this.#flushes);
    for (const temporary of this.#written.values()) removeIfThere(temporary, this.#store.ops);
  }

  async #hold(content: Uint8Array, options: PutOptions): Promise<StoredContent> {
    const pieces: Uint8Array[] = [];
    const encoded = await encodeExpected(content, (piece) => pieces.push(piece), options);
    if (await this.#has(encoded.sha256)) return { ...encoded, existed: true };
    const octets = concatBytes(pieces);
    this.#held.set(encoded.sha256, octets);
    this.#heldBytes += octets.length;
    if (this.#heldBytes > MAX_HELD_BYTES) await this.#writeHeld();
    return { ...encoded, existed: false };
  }

  async #write(content: MailContent, options: PutOptions): Promise<StoredContent> {
    const temporary = this.#store.temporaryPath();
    let file: OpenFile | null = null;
    try {
      const created = file = this.#create(temporary);
      const encoded = await encodeExpected(content, (piece) => this.#append(created, piece), options);
      if (await this.#has(encoded.sha256)) {
        file.close();
        removeIfThere(temporary, this.#store.ops);
        return { ...encoded, existed: true };
      }
      this.#written.set(encoded.sha256, temporary);
      this.#flushes.push(flushAndClose(file));
      return { ...encoded, existed: false };
    } catch (error) {
      file?.close();
      removeIfThere(temporary, this.#store.ops);
      throw error;
    }
  }

  /** Writes and flushes what is held. */
  async #writeHeld(): Promise<void> {
    const held = [...this.#held];
    this.#held.clear();
    this.#heldBytes = 0;
    for (let first = 0; first < held.length; first += MAX_OPEN_FILES) {
      const files: OpenFile[] = [];
      try {
        for (const [sha256, octets] of held.slice(first, first + MAX_OPEN_FILES)) {
          const temporary = this.#store.temporaryPath();
          const file = this.#create(temporary);
          files.push(file);
          this.#written.set(sha256, temporary);
          this.#append(file, octets);
        }
      } catch (error) {
        for (const file of files) file.close();
        throw error;
      }
      throwFirst(await Promise.all(files.map(flushAndClose)));
    }
  }

  #create(temporary: string): OpenFile {
    try {
      return this.#store.ops.create(temporary, this.#store.fileMode);
    } catch (error) {
      throw fileError(error, `create ${temporary}`);
    }
  }

  #append(file: OpenFile, piece: Uint8Array): void {
    try {
      writeAll(file, piece);
    } catch (error) {
      throw fileError(error, `store a mail in ${this.#store.folder}`);
    }
  }

  /** True where the batch or the store has it. A copy that is there counts only where it is sound; a damaged one is replaced. */
  async #has(sha256: string): Promise<boolean> {
    if (this.#taken(sha256)) return true;
    // Nearly all mails are new, and opening what isn't there makes an error object for each.
    if (!existsSync(this.#store.pathOf(sha256))) return false;
    const isSound = (await this.#store.check(sha256)).state === "sound";
    if (isSound) this.#existing.add(sha256);
    // The same mail may have been taken meanwhile.
    return isSound || this.#taken(sha256);
  }

  #taken(sha256: string): boolean {
    return this.#held.has(sha256) || this.#written.has(sha256);
  }

  /** Gives the files their names. */
  #publish(): void {
    for (const [sha256, temporary] of this.#written) {
      this.#store.ensureShard(sha256);
      this.#store.ops.rename(temporary, this.#store.pathOf(sha256));
    }
  }
}

/** Rejects where the content isn't the expected one. */
async function encodeExpected(
  content: MailContent,
  sink: (piece: Uint8Array) => void,
  { expectedSha256, signal }: PutOptions,
): Promise<EncodedContent> {
  const encoded = await encodeStoredFile(content, sink, signal);
  if (expectedSha256 === undefined || encoded.sha256 === expectedSha256) return encoded;
  throw new MailteeError("damaged", `the mail's SHA-256 is ${encoded.sha256}, it has to be ${expectedSha256}`);
}

/** Gives null, or why the flush failed. Never rejects, so that the flushes of other files are waited for too. */
function flushAndClose(file: OpenFile): Promise<unknown> {
  return file.syncData().then(() => null, (error: unknown) => error).finally(() => file.close());
}

function throwFirst(failures: readonly unknown[]): void {
  const failure = failures.find((error) => error !== null);
  if (failure !== undefined) throw failure;
}
