import { crc32 } from "node:zlib";
import {
  centralHeader,
  dataDescriptor,
  endRecords,
  localHeader,
  MAX_32,
  type ZipContent,
  type ZipEntry,
} from "./zip_records.ts";
import type { Octets } from "./types.ts";

/** A file for a ZIP archive. */
export interface ZipSource {
  /** Path within the archive, with `/`; unique. */
  readonly name: string;
  readonly modified: Date;
  /** Octets of the content. */
  readonly size: number;
  readonly content: Octets;
}

/** Deflate adds five octets to a block of incompressible ones, so that content just below 4 GiB could grow over it. */
const LARGE_BYTES = MAX_32 - 0x1000000;

/**
 * A ZIP archive as a stream of octets, deflated, its files in the order in which they come; memory grows with their
 * number only. ZIP64 where count, size or place of the files needs it. `offset` tells where in its file the archive
 * begins.
 */
export async function* zipArchive(
  sources: AsyncIterable<ZipSource>,
  offset = 0,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let at = offset;
  for await (const source of sources) {
    const { name, modified, size } = source;
    const entry: ZipEntry = { name, modified, offset: at, large: size >= LARGE_BYTES };
    const header = localHeader(entry);
    yield header;
    const content = yield* deflated(source.content);
    const descriptor = dataDescriptor(entry, content);
    yield descriptor;
    at += header.length + content.compressedSize + descriptor.length;
    directory.push(centralHeader(entry, content));
  }
  yield* directory;
  const size = directory.reduce((sum, header) => sum + header.length, 0);
  yield endRecords({ offset: at, size, count: directory.length });
}

async function* deflated(content: Octets): AsyncGenerator<Uint8Array<ArrayBuffer>, ZipContent, undefined> {
  let [crc, size, compressedSize] = [0, 0, 0];
  async function* counted() {
    for await (const chunk of content) {
      crc = crc32(chunk, crc);
      size += chunk.length;
      yield chunk;
    }
  }
  for await (const chunk of ReadableStream.from(counted()).pipeThrough(new CompressionStream("deflate-raw"))) {
    compressedSize += chunk.length;
    yield chunk;
  }
  return { crc32: crc, compressedSize, size };
}
