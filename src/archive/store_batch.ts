/** Putting many mails into the store with shared flushes. */

import { existsSync } from "node:fs";
import { MailteeError } from "../base/errors.ts";
import { fileError, type OpenFile, removeIfThere, writeAll } from "../base/files.ts";
import type { MailContent } from "../message/types.ts";
import type { FileStore } from "./store.ts";
import { type EncodedContent, encodeStoredFile } from "./stored_file.ts";
import type { PutOptions, StoreBatch, StoredContent } from "./types.ts";

/** Flushes under way at once; the runtime has 32 threads for them. */
const MAX_FLUSHES = 16;

interface StagedFile {
  readonly temporary: string;
  /** Resolves to null, or to why the flush failed. Never rejects. */
  readonly flushed: Promise<unknown>;
}

/**
 * Each mail is written into a temporary file, whose flush goes on while the next mail is taken. `flush` waits for all of
 * them, gives the files their names and flushes the folders.
 */
export class FileStoreBatch implements StoreBatch {
  readonly #store: FileStore;
  /** By SHA-256. */
  readonly #staged = new Map<string, StagedFile>();
  /** Contents that were there already; their names may not be durable yet. */
  readonly #existing = new Set<string>();
  readonly #flushing = new Set<Promise<unknown>>();
  #ended = false;

  constructor(store: FileStore) {
    this.#store = store;
  }

  async add(content: MailContent, options: PutOptions = {}): Promise<StoredContent> {
    if (this.#ended) throw new TypeError("this batch was ended");
    const temporary = this.#store.temporaryPath();
    let file: OpenFile | null = null;
    try {
      file = this.#create(temporary);
      const encoded = await this.#write(file, content, options);
      if (await this.#isStored(encoded.sha256) || this.#staged.has(encoded.sha256)) {
        file.close();
        removeIfThere(temporary, this.#store.ops);
        return { ...encoded, existed: true };
      }
      await this.#startFlush(encoded.sha256, temporary, file);
      return { ...encoded, existed: false };
    } catch (error) {
      file?.close();
      removeIfThere(temporary, this.#store.ops);
      throw error;
    }
  }

  async flush(): Promise<void> {
    if (this.#ended) throw new TypeError("this batch was ended");
    try {
      const failures = await Promise.all([...this.#staged.values()].map(({ flushed }) => flushed));
      const failure = failures.find((error) => error !== null);
      if (failure !== undefined) throw failure;
      this.#publish();
      await this.#store.syncNames([...this.#staged.keys(), ...this.#existing]);
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
    for (const { temporary, flushed } of this.#staged.values()) {
      await flushed;
      removeIfThere(temporary, this.#store.ops);
    }
  }

  #create(temporary: string): OpenFile {
    try {
      return this.#store.ops.create(temporary, this.#store.fileMode);
    } catch (error) {
      throw fileError(error, `create ${temporary}`);
    }
  }

  async #write(file: OpenFile, content: MailContent, options: PutOptions): Promise<EncodedContent> {
    const encoded = await encodeStoredFile(content, (piece) => {
      try {
        writeAll(file, piece);
      } catch (error) {
        throw fileError(error, `store a mail in ${this.#store.folder}`);
      }
    }, options.signal);
    const { expectedSha256 } = options;
    if (expectedSha256 === undefined || encoded.sha256 === expectedSha256) return encoded;
    throw new MailteeError("damaged", `the mail's SHA-256 is ${encoded.sha256}, it has to be ${expectedSha256}`);
  }

  /** A copy that is there counts only where it is sound; a damaged one is replaced. */
  async #isStored(sha256: string): Promise<boolean> {
    // Nearly all mails are new, and opening what isn't there makes an error object for each.
    if (!existsSync(this.#store.pathOf(sha256))) return false;
    if ((await this.#store.check(sha256)).state !== "sound") return false;
    this.#existing.add(sha256);
    return true;
  }

  async #startFlush(sha256: string, temporary: string, file: OpenFile): Promise<void> {
    const flushed = file.syncData().then(() => null, (error: unknown) => error).finally(() => file.close());
    this.#staged.set(sha256, { temporary, flushed });
    this.#flushing.add(flushed);
    flushed.finally(() => this.#flushing.delete(flushed));
    if (this.#flushing.size >= MAX_FLUSHES) await Promise.race(this.#flushing);
  }

  /** Gives the files their names. */
  #publish(): void {
    for (const [sha256, { temporary }] of this.#staged) {
      this.#store.ensureShard(sha256);
      this.#store.ops.rename(temporary, this.#store.pathOf(sha256));
    }
  }
}
