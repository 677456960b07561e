/** Bugs for the harnesses to find: each as a wrapper around a sound part, made only by tests. */

import type { Archive, NewCapture } from "../../src/archive/types.ts";
import { decodeLatin1 } from "../../src/base/bytes.ts";
import type { FileOps, OpenFile } from "../../src/base/files.ts";
import type { Capture, DropWriter } from "../../src/drop/types.ts";

/** Says "sealed" and "committed" before it is so: the client hears "accepted" while its copy is still being made. */
export function answersBeforeCommit(writer: DropWriter): DropWriter {
  return wrapCaptures(writer, (capture) => {
    let late: Promise<unknown> = Promise.resolve();
    return {
      seal: () => Promise.resolve(),
      commit: (settlement) => {
        late = new Promise((resolve) => setTimeout(resolve, 0)).then(() => capture.seal())
          .then(() => capture.commit(settlement)).catch(() => capture.abort());
        return Promise.resolve("");
      },
      abort: () => void late.then(() => capture.abort()),
    };
  });
}

/** Makes the copy visible as accepted before the upstream has answered. */
export function commitsBeforeAnswer(writer: DropWriter): DropWriter {
  return wrapCaptures(writer, (capture) => ({
    seal: async () => {
      await capture.seal();
      await capture.commit({ outcome: "accepted", reply: "250 Ok" });
    },
    commit: () => Promise.resolve(""),
  }));
}

function wrapCaptures(writer: DropWriter, change: (capture: Capture) => Partial<Capture>): DropWriter {
  return {
    path: writer.path,
    begin: (start) => {
      const capture = writer.begin(start);
      return {
        id: capture.id,
        get size() {
          return capture.size;
        },
        write: (content) => capture.write(content),
        seal: () => capture.seal(),
        commit: (settlement) => capture.commit(settlement),
        abort: () => capture.abort(),
        ...change(capture),
      };
    },
    close: () => writer.close(),
  };
}

/** Writes of more than a page are cut short by the system, and nobody looks at how much was taken. */
export function ignoresShortWrites(real: FileOps): FileOps {
  return wrapFiles(real, (file) => ({
    write: (bytes) => {
      file.write(bytes.length > 4096 ? bytes.subarray(0, 4096) : bytes);
      return bytes.length;
    },
  }));
}

/** Content is never flushed. */
export function omitsDataFlush(real: FileOps): FileOps {
  return wrapFiles(real, () => ({ syncData: () => Promise.resolve() }));
}

/** Folders are never flushed. */
export function omitsFolderFlush(real: FileOps): FileOps {
  return { ...bound(real), syncDirectory: () => Promise.resolve(true) };
}

/** Only the innermost folders are flushed, and not those that they lie in. */
export function omitsParentFlush(real: FileOps): FileOps {
  return {
    ...bound(real),
    syncDirectory: (path) =>
      /\/(?:\.incoming\/[0-9A-Z]{26}|[0-9a-f]{2})$/.test(path) ? real.syncDirectory(path) : Promise.resolve(true),
  };
}

/** A flush says "done" when it has only begun: names are given before content is safe. */
export function renamesBeforeFlush(real: FileOps): FileOps {
  return wrapFiles(real, (file) => {
    let late: Promise<void> = Promise.resolve();
    let closed = false;
    return {
      syncData: () => {
        late = new Promise<void>((resolve) => setTimeout(resolve, 1)).then(() => file.syncData()).finally(() => {
          if (closed) file.close();
        });
        return Promise.resolve();
      },
      close: () => {
        closed = true;
        late.catch(() => {});
      },
    };
  });
}

function wrapFiles(real: FileOps, change: (file: OpenFile) => Partial<OpenFile>): FileOps {
  const wrap = (file: OpenFile): OpenFile => ({
    write: (bytes) => file.write(bytes),
    seek: (offset) => file.seek(offset),
    truncate: () => file.truncate(),
    syncData: () => file.syncData(),
    close: () => file.close(),
    ...change(file),
  });
  return {
    ...bound(real),
    create: (path, mode) => wrap(real.create(path, mode)),
    openForWriting: (path) => wrap(real.openForWriting(path)),
  };
}

/** The operations as functions of their own, whatever object they belong to. */
function bound(real: FileOps): FileOps {
  return {
    create: (path, mode) => real.create(path, mode),
    openForWriting: (path) => real.openForWriting(path),
    makeDirectory: (path, mode) => real.makeDirectory(path, mode),
    rename: (from, to) => real.rename(from, to),
    remove: (path) => real.remove(path),
    syncDirectory: (path) => real.syncDirectory(path),
  };
}

/** Takes a line of one dot between bare line feeds for the end of a mail. */
export function endsAtBareDot(piece: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = decodeLatin1(piece).indexOf("\n.\n");
  if (at < 0) return piece;
  const end = Uint8Array.of(13, 10, 46, 13, 10);
  const changed = new Uint8Array(piece.length + 2);
  changed.set(piece.subarray(0, at));
  changed.set(end, at);
  changed.set(piece.subarray(at + 3), at + end.length);
  return changed;
}

/** Takes mails with the same Message-ID for the same mail. */
export function deduplicatesByMessageId(archive: Archive): Archive {
  const seen = new Set<string>();
  const isNew = ({ mail: { extracted: { messageId } } }: NewCapture) => !seen.has(messageId) && seen.add(messageId);
  const catalog = new Proxy(archive.catalog, {
    get(target, name) {
      if (name === "addCaptures") {
        return async (captures: readonly NewCapture[], runId?: string) => {
          const kept = captures.filter(isNew);
          await target.addCaptures(kept, runId);
          return captures.map(() => ({ state: "added", newMail: true }));
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { path: archive.path, store: archive.store, catalog, close: () => archive.close() };
}
