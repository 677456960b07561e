/**
 * What a disk may hold after a power cut, made from the record of what was done to it. The model is stricter than any
 * file system that is in use:
 *
 * - Content: what was written before a flush that has ended is there. What was written later is there, or not, sector by
 *   sector; the file may be longer than what is in it, and then holds zeros.
 * - Names: each folder has its changes in their order, at least those from before a flush of that folder that has ended,
 *   and any number of the later ones. Folders know nothing of each other, but a rename happens in both or in neither, and
 *   a folder that is removed was empty.
 */

import { dirname, join, relative } from "@std/path";
import type { DiskEvent } from "./recorded_disk.ts";

const SECTOR_BYTES = 512;

export interface PowerCut {
  readonly events: readonly DiskEvent[];
  /** How many of the events had happened. */
  readonly at: number;
  readonly random: () => number;
  /** The folder on the record, and where it is to be made anew; it exists. */
  readonly from: string;
  readonly to: string;
}

/** Makes one of the possible disks. */
export function cutPower(cut: PowerCut): void {
  const names = survivingNames(cut);
  const folders = [...names].filter(([, node]) => node === "folder").map(([path]) => path).sort();
  const reachable = new Set([cut.from]);
  for (const path of folders) {
    if (!reachable.has(dirname(path))) continue;
    reachable.add(path);
    Deno.mkdirSync(join(cut.to, relative(cut.from, path)));
  }
  for (const [path, node] of names) {
    if (node === "folder" || !reachable.has(dirname(path))) continue;
    Deno.writeFileSync(join(cut.to, relative(cut.from, path)), survivingContent(cut, node));
  }
}

type NameChange = DiskEvent & { readonly kind: "create" | "make-folder" | "rename" | "remove" };

function isNameChange(event: DiskEvent): event is NameChange {
  return ["create", "make-folder", "rename", "remove"].includes(event.kind);
}

function foldersOf(event: NameChange): string[] {
  return event.kind === "rename" ? [dirname(event.from), dirname(event.to)] : [dirname(event.path)];
}

/** Every name that is left: a file by its number, or a folder. */
function survivingNames(cut: PowerCut): Map<string, number | "folder"> {
  const limits = survivingChanges(cut);
  const names = new Map<string, number | "folder">();
  cut.events.slice(0, cut.at).forEach((event, index) => {
    if (!isNameChange(event) || !foldersOf(event).every((folder) => index < (limits.get(folder) ?? 0))) return;
    if (event.kind === "create") names.set(event.path, event.file);
    else if (event.kind === "make-folder") names.set(event.path, "folder");
    else if (event.kind === "remove") names.delete(event.path);
    else {
      const node = names.get(event.from);
      if (node === undefined) throw new Error(`${event.from} was renamed and isn't there`);
      names.delete(event.from);
      names.set(event.to, node);
    }
  });
  return names;
}

/** For each folder, the event before which its changes are on the disk. */
function survivingChanges({ events, at, random }: PowerCut): Map<string, number> {
  const happened = events.slice(0, at);
  const sure = new Map<string, number>();
  for (const event of happened) {
    if (isNameChange(event)) { for (const folder of foldersOf(event)) sure.set(folder, sure.get(folder) ?? 0); }
    if (event.kind === "folder-flushed") sure.set(event.path, Math.max(event.since, sure.get(event.path) ?? 0));
  }
  const ties = happened.flatMap(tiesOf).filter(({ folder, other }) => sure.has(folder) && sure.has(other));
  settle(ties, ({ folder, past, other, least }) => {
    if ((sure.get(folder) ?? 0) <= past || (sure.get(other) ?? 0) >= least) return false;
    sure.set(other, least);
    return true;
  });
  const limits = new Map([...sure].map(([folder, least]) => [folder, between(least, at, random)]));
  settle(ties, ({ folder, past, other, least }) => {
    if ((limits.get(folder) ?? 0) <= past || (limits.get(other) ?? 0) >= least) return false;
    limits.set(folder, past);
    return true;
  });
  return limits;
}

/** Where a folder has its changes beyond event `past`, another one has those before `least`. */
interface Tie {
  readonly folder: string;
  readonly past: number;
  readonly other: string;
  readonly least: number;
}

function tiesOf(event: DiskEvent, index: number): Tie[] {
  if (event.kind === "remove") {
    // What is removed may be a folder.
    return [{ folder: dirname(event.path), past: index, other: event.path, least: index }];
  }
  if (event.kind !== "rename") return [];
  const [from, to] = [dirname(event.from), dirname(event.to)];
  return [
    { folder: from, past: index, other: to, least: index + 1 },
    { folder: to, past: index, other: from, least: index + 1 },
  ];
}

/** Repeats a change over all items until it changes nothing more. */
function settle<T>(items: readonly T[], change: (item: T) => boolean): void {
  while (items.filter(change).length > 0);
}

/** One of the two ends, or something between them. */
function between(least: number, most: number, random: () => number): number {
  const kind = random();
  if (kind < 0.4) return least;
  return kind < 0.6 ? most : least + Math.floor(random() * (most - least + 1));
}

function survivingContent({ events, at, random }: PowerCut, file: number): Uint8Array<ArrayBuffer> {
  const happened = events.slice(0, at);
  const flushed = Math.max(
    0,
    ...happened.map((event) => event.kind === "file-flushed" && event.file === file ? event.since : 0),
  );
  const image = new FileImage();
  const style = random();
  happened.forEach((event, index) => {
    if (event.kind === "truncate" && event.file === file) {
      if (index < flushed || random() < 0.5) image.truncate();
    }
    if (event.kind !== "write" || event.file !== file) return;
    for (const [offset, bytes] of index < flushed ? [[event.offset, event.bytes] as const] : sectors(event)) {
      const stays = index < flushed || (style < 0.3 ? false : style < 0.5 ? true : random() < 0.5);
      if (stays) image.write(offset, bytes);
      else if (random() < 0.3) image.extend(offset + bytes.length);
    }
  });
  return image.bytes;
}

/** A write, cut at the sectors of the disk. */
function* sectors(write: DiskEvent & { kind: "write" }): Generator<readonly [number, Uint8Array<ArrayBuffer>]> {
  for (let offset = write.offset, end = write.offset + write.bytes.length; offset < end;) {
    const next = Math.min(end, (Math.floor(offset / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    yield [offset, write.bytes.subarray(offset - write.offset, next - write.offset)];
    offset = next;
  }
}

class FileImage {
  #room = new Uint8Array(4096);
  #size = 0;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#room.slice(0, this.#size);
  }

  truncate(): void {
    this.#room.fill(0);
    this.#size = 0;
  }

  extend(size: number): void {
    if (size > this.#room.length) {
      const room = new Uint8Array(Math.max(size, this.#room.length * 2));
      room.set(this.#room);
      this.#room = room;
    }
    this.#size = Math.max(this.#size, size);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.extend(offset + bytes.length);
    this.#room.set(bytes, offset);
  }
}
