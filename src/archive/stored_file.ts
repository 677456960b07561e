/**
 * The form of one file of the store: the mail as a zstd frame, then a skippable frame (RFC 8878 section 3.1.2) with the
 * SHA-256 of the frame before it. `zstd -d` passes over the second; it is there because zstd itself doesn't notice every
 * flipped bit, nor an end that was cut off.
 */

import { createHash, type Hash } from "node:crypto";
import type { Transform } from "node:stream";
import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync } from "node:zlib";
import { concatBytes, equalBytes } from "../base/bytes.ts";
import { errorText } from "../base/errors.ts";
import type { MailContent } from "../message/types.ts";

/** Costs 0.1 ms for a mail of common size; higher levels gain 1 % on mail and cost more (docs/archive-format.md). */
const COMPRESSION_LEVEL = 3;
const ZSTD_OPTIONS = {
  params: {
    [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVEL,
    [constants.ZSTD_c_checksumFlag]: 1,
  },
};
/**
 * Mails up to this size are compressed by one call, without a stream. Together with not opening what isn't stored it took
 * the CPU of adding a mail from 1.5 to 1.2 ms (medians of five alternating rounds on a loaded machine).
 */
export const AT_ONCE_BYTES = 256 * 1024;
const READ_BYTES = 64 * 1024;
/** One of the magic numbers of skippable frames, and the length of what follows; both little-endian. */
const SEAL_HEAD = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 32, 0, 0, 0);
const SEAL_BYTES = SEAL_HEAD.length + 32;

/** What `encodeStoredFile` took. */
export interface EncodedContent {
  /** Of the mail. */
  readonly sha256: string;
  readonly size: number;
}

/**
 * Gives `sink` the octets of the stored file, one piece after the other, in bounded memory. Rejects with what the content
 * or `sink` throws, and with the signal's reason.
 */
export async function encodeStoredFile(
  content: MailContent,
  sink: (piece: Uint8Array) => void,
  signal?: AbortSignal,
): Promise<EncodedContent> {
  signal?.throwIfAborted();
  if (!(content instanceof Uint8Array)) return await encodeStream(content, sink, signal);
  return content.length <= AT_ONCE_BYTES ? encodeAtOnce(content, sink) : await encodeStream([content], sink, signal);
}

function encodeAtOnce(content: Uint8Array, sink: (piece: Uint8Array) => void): EncodedContent {
  // Knowing the size it takes tables of that size: 60 µs a mail instead of 71, and a smaller frame.
  const options = { ...ZSTD_OPTIONS, pledgedSrcSize: content.length };
  const frame = zstdCompressSync(content, options);
  sink(concatBytes([frame, SEAL_HEAD, createHash("sha256").update(frame).digest()]));
  return { sha256: createHash("sha256").update(content).digest("hex"), size: content.length };
}

async function encodeStream(
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  sink: (piece: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<EncodedContent> {
  const mailHash = createHash("sha256");
  const frameHash = createHash("sha256");
  let size = 0;
  const compressor = createZstdCompress(ZSTD_OPTIONS);
  const ended = new Promise<void>((resolve, reject) => compressor.once("end", resolve).once("error", reject));
  // Whoever sees the content fail first doesn't wait for the compressor.
  ended.catch(() => {});
  compressor.on("data", (piece: Uint8Array) => {
    try {
      frameHash.update(piece);
      sink(piece);
    } catch (error) {
      compressor.destroy(error instanceof Error ? error : new Error(errorText(error)));
    }
  });
  try {
    for await (const piece of content) {
      signal?.throwIfAborted();
      mailHash.update(piece);
      size += piece.length;
      await Promise.race([written(compressor, piece), ended]);
    }
    compressor.end();
    await ended;
  } finally {
    compressor.destroy();
  }
  sink(concatBytes([SEAL_HEAD, frameHash.digest()]));
  return { sha256: mailHash.digest("hex"), size };
}

/** Resolves once a stream has taken a piece. A stream that failed may leave it pending: its `error` tells then. */
function written(stream: Transform, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => void stream.write(piece, (error) => error ? reject(error) : resolve()));
}

/** A stored file being read: the mail's pieces, and after the last one whether every octet of the file is as it was. */
export class StoredFileReading {
  readonly #path: string;
  #sealed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** True once all pieces were read and the seal fits the frame. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /** The mail's octets, in bounded memory. Throws what the system or zstd has to say. */
  async *pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    using file = await Deno.open(this.#path, { read: true });
    const frame = new SealedFrame((await file.stat()).size);
    const decompressor = createZstdDecompress();
    const fed = feed(decompressor, file, frame);
    try {
      // Iterating holds the decompressor back: a few octets of a frame may stand for megabytes.
      for await (const piece of decompressor) yield new Uint8Array(piece);
    } finally {
      decompressor.destroy();
      await fed;
    }
    this.#sealed = frame.sealFits();
  }
}

/** Gives a decompressor a file as fast as it takes it, until one of them fails. Never rejects: the decompressor tells. */
async function feed(decompressor: Transform, file: Deno.FsFile, frame: SealedFrame): Promise<void> {
  const closed = new Promise<void>((resolve) => decompressor.once("close", resolve));
  try {
    for await (const piece of readPieces(file)) {
      frame.push(piece);
      await Promise.race([written(decompressor, piece), closed]);
      if (decompressor.destroyed) return;
    }
    decompressor.end();
  } catch (error) {
    decompressor.destroy(error instanceof Error ? error : new Error(errorText(error)));
  }
}

/** Splits a stored file, as it is read, into the hashed frame and the seal. */
class SealedFrame {
  readonly #hash: Hash = createHash("sha256");
  readonly #seal: Uint8Array[] = [];
  #frameBytesLeft: number;

  constructor(fileSize: number) {
    this.#frameBytesLeft = Math.max(0, fileSize - SEAL_BYTES);
  }

  push(piece: Uint8Array): void {
    const ofFrame = piece.subarray(0, this.#frameBytesLeft);
    this.#hash.update(ofFrame);
    this.#frameBytesLeft -= ofFrame.length;
    if (ofFrame.length < piece.length) this.#seal.push(piece.slice(ofFrame.length));
  }

  sealFits(): boolean {
    return equalBytes(concatBytes(this.#seal), concatBytes([SEAL_HEAD, this.#hash.digest()]));
  }
}

async function* readPieces(file: Deno.FsFile): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (;;) {
    const buffer = new Uint8Array(READ_BYTES);
    const count = await file.read(buffer);
    if (count === null) return;
    yield buffer.subarray(0, count);
  }
}
