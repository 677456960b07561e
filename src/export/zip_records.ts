/** The records of a ZIP archive as octets (PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5), ZIP64 where a figure needs it. */

import { concatBytes, encodeUtf8 } from "../base/bytes.ts";

/** What the records of one file say. */
export interface ZipEntry {
  readonly name: string;
  readonly modified: Date;
  /** Where its local header begins, in octets from the start of the archive. */
  readonly offset: number;
  /** True where its sizes are written in 64 bits. */
  readonly large: boolean;
}

/** What is known of a file when its content has been written. */
export interface ZipContent {
  readonly crc32: number;
  readonly compressedSize: number;
  readonly size: number;
}

export const MAX_32 = 0xffffffff;
const MAX_16 = 0xffff;

const DEFLATED = 8;
/** Sizes follow the content; the name is UTF-8. */
const FLAGS = 0x0008 | 0x0800;
const VERSION_DEFLATE = 20;
const VERSION_ZIP64 = 45;
const MADE_BY_UNIX = 3 << 8;
/** A regular file, for its owner only. */
const UNIX_MODE = 0o100600;

/** Figures one after the other, little-endian: [octets, figure]. */
function fields(...figures: readonly (readonly [size: 2 | 4 | 8, figure: number])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(figures.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, figure] of figures) {
    if (size === 2) view.setUint16(at, figure, true);
    else if (size === 4) view.setUint32(at, figure, true);
    else view.setBigUint64(at, BigInt(figure), true);
    at += size;
  }
  return bytes;
}

/** The header before a file's content (4.3.7). CRC and sizes are zero, since they follow the content. */
export function localHeader(entry: ZipEntry): Uint8Array<ArrayBuffer> {
  const name = encodeUtf8(entry.name);
  const extra = concatBytes([entry.large ? zip64Extra(0, 0) : fields(), timeExtra(entry.modified)]);
  return concatBytes([
    fields([4, 0x04034b50], [2, entry.large ? VERSION_ZIP64 : VERSION_DEFLATE], [2, FLAGS], [2, DEFLATED]),
    dosTime(entry.modified),
    fields([4, 0], [4, entry.large ? MAX_32 : 0], [4, entry.large ? MAX_32 : 0], [2, name.length], [2, extra.length]),
    name,
    extra,
  ]);
}

/** The record after a file's content (4.3.9). */
export function dataDescriptor(entry: ZipEntry, content: ZipContent): Uint8Array<ArrayBuffer> {
  const size = entry.large ? 8 : 4;
  return fields([4, 0x08074b50], [4, content.crc32], [size, content.compressedSize], [size, content.size]);
}

/** A file's record in the central directory (4.3.12). */
export function centralHeader(entry: ZipEntry, content: ZipContent): Uint8Array<ArrayBuffer> {
  const name = encodeUtf8(entry.name);
  const far = entry.offset >= MAX_32;
  const figures = [...entry.large ? [content.size, content.compressedSize] : [], ...far ? [entry.offset] : []];
  const extra = concatBytes([figures.length > 0 ? zip64Extra(...figures) : fields(), timeExtra(entry.modified)]);
  const version = figures.length > 0 ? VERSION_ZIP64 : VERSION_DEFLATE;
  return concatBytes([
    fields([4, 0x02014b50], [2, MADE_BY_UNIX | version], [2, version], [2, FLAGS], [2, DEFLATED]),
    dosTime(entry.modified),
    fields([4, content.crc32]),
    fields([4, entry.large ? MAX_32 : content.compressedSize], [4, entry.large ? MAX_32 : content.size]),
    fields([2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0]),
    fields([4, UNIX_MODE * 0x10000], [4, far ? MAX_32 : entry.offset]),
    name,
    extra,
  ]);
}

/** The records that end an archive (4.3.14 to 4.3.16). */
export function endRecords(
  directory: { readonly offset: number; readonly size: number; readonly count: number },
): Uint8Array<ArrayBuffer> {
  const { offset, size, count } = directory;
  const zip64 = offset >= MAX_32 || size >= MAX_32 || count >= MAX_16;
  const wide = zip64
    ? [
      fields([4, 0x06064b50], [8, 44], [2, MADE_BY_UNIX | VERSION_ZIP64], [2, VERSION_ZIP64], [4, 0], [4, 0]),
      fields([8, count], [8, count], [8, size], [8, offset]),
      fields([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]),
    ]
    : [];
  const shownCount = Math.min(count, MAX_16);
  return concatBytes([
    ...wide,
    fields([4, 0x06054b50], [2, 0], [2, 0], [2, shownCount], [2, shownCount]),
    fields([4, Math.min(size, MAX_32)], [4, Math.min(offset, MAX_32)], [2, 0]),
  ]);
}

/** ZIP64's extra field (4.5.3). */
function zip64Extra(...figures: readonly number[]): Uint8Array<ArrayBuffer> {
  return concatBytes([
    fields([2, 0x0001], [2, figures.length * 8]),
    ...figures.map((figure) => fields([8, figure])),
  ]);
}

/** Info-ZIP's extended time stamp: the time of the last change in UTC, to the second. */
function timeExtra(modified: Date): Uint8Array<ArrayBuffer> {
  const seconds = Math.floor(modified.getTime() / 1000);
  if (seconds < 0 || seconds > 0x7fffffff) return fields();
  return concatBytes([fields([2, 0x5455], [2, 5]), new Uint8Array([1]), fields([4, seconds])]);
}

/** Time and date in MS-DOS' form (4.4.6), which knows the years 1980 to 2107. */
function dosTime(modified: Date): Uint8Array<ArrayBuffer> {
  const year = Math.min(Math.max(modified.getUTCFullYear(), 1980), 2107);
  const time = modified.getUTCHours() << 11 | modified.getUTCMinutes() << 5 | modified.getUTCSeconds() >> 1;
  const date = (year - 1980) << 9 | (modified.getUTCMonth() + 1) << 5 | modified.getUTCDate();
  return fields([2, time], [2, date]);
}
