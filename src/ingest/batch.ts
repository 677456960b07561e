import type { AddedCapture, Archive, NewCapture, StoreBatch } from "../archive/types.ts";
import { hasCode } from "../base/errors.ts";
import type { IngestLimits } from "./types.ts";

/** A mail's octets: at hand, or to be read from where they are, as often as is asked. */
export type MailContent = Uint8Array<ArrayBuffer> | (() => AsyncIterable<Uint8Array<ArrayBuffer>>);

/** A capture that is to be archived. */
export interface ReadCapture {
  readonly capture: NewCapture;
  readonly content: MailContent;
}

/** What became of one capture of a batch. */
export interface Committed<Tag> {
  readonly tag: Tag;
  readonly capture: NewCapture;
  readonly added: AddedCapture;
}

/**
 * Captures that become part of the archive together: their content is flushed to the store first, then one catalog
 * transaction makes them known. A crash before that leaves content that nobody knows of, and the captures are offered
 * again; a crash after it finds them archived. `Tag` is whatever the giver wants to know a capture by.
 */
export class Batch<Tag> {
  readonly #archive: Archive;
  readonly #limits: IngestLimits;
  #content: StoreBatch | null = null;
  #captures: { readonly tag: Tag; readonly capture: NewCapture }[] = [];
  #bytes = 0;

  constructor(archive: Archive, limits: IngestLimits) {
    this.#archive = archive;
    this.#limits = limits;
  }

  /** True where enough came together for a transaction. */
  get full(): boolean {
    return this.#captures.length >= this.#limits.batchMails || this.#bytes >= this.#limits.batchBytes;
  }

  /**
   * Takes a capture. "unreadable" gives the error where the content couldn't be read to its end, or is no longer what it
   * was; the batch goes on without it. Rejects where the store fails, or the signal is aborted.
   */
  async add(
    { capture, content }: ReadCapture,
    tag: Tag,
    signal: AbortSignal,
  ): Promise<{ readonly kind: "taken" } | { readonly kind: "unreadable"; readonly error: unknown }> {
    this.#content ??= this.#archive.store.batch();
    const source = new ContentSource(content);
    try {
      await this.#content.add(source.octets(), { expectedSha256: capture.mail.sha256, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (source.broken || hasCode(error, "damaged")) return { kind: "unreadable", error };
      throw error;
    }
    this.#captures.push({ tag, capture });
    this.#bytes += capture.mail.size + capture.mail.extracted.text.length;
    return { kind: "taken" };
  }

  /** Makes everything that was taken part of the archive, durably, and begins anew. */
  async commit(runId?: string): Promise<Committed<Tag>[]> {
    const captures = this.#captures;
    const content = this.#content;
    this.#captures = [];
    this.#content = null;
    this.#bytes = 0;
    await content?.flush();
    if (captures.length === 0) return [];
    const added = await this.#archive.catalog.addCaptures(captures.map(({ capture }) => capture), runId);
    return captures.flatMap(({ tag, capture }, index) => {
      const state = added[index];
      return state === undefined ? [] : [{ tag, capture, added: state }];
    });
  }

  /** Drops what was taken since the last commit. Never throws. */
  async abandon(): Promise<void> {
    await this.#content?.abandon();
    this.#content = null;
    this.#captures = [];
    this.#bytes = 0;
  }
}

/** Content that tells afterwards whether it was itself that failed, and not the store that read it. */
export class ContentSource {
  readonly #content: MailContent;
  #broken = false;

  constructor(content: MailContent) {
    this.#content = content;
  }

  /** True where reading the content has failed. */
  get broken(): boolean {
    return this.#broken;
  }

  octets(): Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array<ArrayBuffer>> {
    return typeof this.#content === "function" ? this.#watched(this.#content()) : this.#content;
  }

  async *#watched(octets: AsyncIterable<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      yield* octets;
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }
}
