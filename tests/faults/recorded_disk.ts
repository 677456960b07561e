import { denoFileOps, type FileOps, type OpenFile } from "../../src/base/files.ts";

/** A change of a disk, or that a flush has made some durable. Files and folders have numbers, their paths may change. */
export type DiskEvent =
  | { readonly kind: "create"; readonly path: string; readonly file: number }
  | { readonly kind: "write"; readonly file: number; readonly offset: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "truncate"; readonly file: number }
  /** `since`: how many events there were when the flush began. */
  | { readonly kind: "file-flushed"; readonly file: number; readonly since: number }
  | { readonly kind: "make-folder"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "folder-flushed"; readonly path: string; readonly since: number };

/** Real file operations that keep a record, from which `power_cut.ts` makes what a disk may hold after a power cut. */
export class RecordedDisk {
  readonly events: DiskEvent[] = [];
  #files = 0;
  readonly #numbers = new Map<string, number>();

  /** The real operations, on record. */
  readonly ops: FileOps = {
    create: (path, mode) => {
      const file = denoFileOps.create(path, mode);
      const number = ++this.#files;
      this.#numbers.set(path, number);
      this.events.push({ kind: "create", path, file: number });
      return this.#recorded(file, number);
    },
    openForWriting: (path) => this.#recorded(denoFileOps.openForWriting(path), this.#numbers.get(path) ?? 0),
    makeDirectory: (path, mode) => {
      denoFileOps.makeDirectory(path, mode);
      this.events.push({ kind: "make-folder", path });
    },
    rename: (from, to) => {
      denoFileOps.rename(from, to);
      this.#numbers.set(to, this.#numbers.get(from) ?? 0);
      this.#numbers.delete(from);
      this.events.push({ kind: "rename", from, to });
    },
    remove: (path) => {
      denoFileOps.remove(path);
      this.#numbers.delete(path);
      this.events.push({ kind: "remove", path });
    },
    syncDirectory: async (path) => {
      const since = this.events.length;
      // Others have their turn, as they have while a disk flushes.
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.events.push({ kind: "folder-flushed", path, since });
      return true;
    },
  };

  #recorded(real: OpenFile, file: number): OpenFile {
    let position = 0;
    return {
      write: (bytes) => {
        const count = real.write(bytes);
        this.events.push({ kind: "write", file, offset: position, bytes: bytes.slice(0, count) });
        position += count;
        return count;
      },
      seek: (offset) => {
        real.seek(offset);
        position = offset;
      },
      truncate: () => {
        real.truncate();
        this.events.push({ kind: "truncate", file });
      },
      syncData: async () => {
        const since = this.events.length;
        await new Promise((resolve) => setTimeout(resolve, 0));
        this.events.push({ kind: "file-flushed", file, since });
      },
      close: () => real.close(),
    };
  }
}
