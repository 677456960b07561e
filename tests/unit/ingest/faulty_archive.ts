import type { Archive, Catalog, Store, StoreBatch } from "../../../src/archive/types.ts";
import { denoFileOps, type FileOps } from "../../../src/base/files.ts";

/** What a process that died would have thrown, had it lived. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/** Counts the steps of a run, each from before it to after it, and ends the run's life at one of them. */
export class Fate {
  #steps = 0;
  readonly #crashAt: number;

  constructor(crashAt = Infinity) {
    this.#crashAt = crashAt;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Throws from the fatal step on: the dead do nothing more. */
  pass(): void {
    if (++this.#steps >= this.#crashAt) throw new Crash(`crashed at step ${this.#crashAt}`);
  }

  async around<T>(work: () => Promise<T>): Promise<T> {
    this.pass();
    const result = await work();
    this.pass();
    return result;
  }
}

/** An archive whose every change is a step. */
export function fatedArchive(archive: Archive, fate: Fate): Archive {
  return {
    path: archive.path,
    store: fatedStore(archive.store, fate),
    catalog: fatedCatalog(archive.catalog, fate),
    close: () => archive.close(),
  };
}

function fatedStore(store: Store, fate: Fate): Store {
  return {
    put: (content, options) => fate.around(() => store.put(content, options)),
    batch: () => fatedBatch(store.batch(), fate),
    has: (sha256) => store.has(sha256),
    open: (sha256) => store.open(sha256),
    read: (sha256) => store.read(sha256),
    check: (sha256) => store.check(sha256),
    list: () => store.list(),
  };
}

function fatedBatch(batch: StoreBatch, fate: Fate): StoreBatch {
  return {
    add: (content, options) => fate.around(() => batch.add(content, options)),
    flush: () => fate.around(() => batch.flush()),
    abandon: () => batch.abandon(),
  };
}

function fatedCatalog(catalog: Catalog, fate: Fate): Catalog {
  const changes: readonly PropertyKey[] = ["addCaptures", "syncUsers", "startRun", "finishRun", "updateSeenFiles"];
  return new Proxy(catalog, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = value.bind(target);
      if (!changes.includes(name)) return method;
      return (...args: unknown[]) => fate.around(() => method(...args));
    },
  });
}

/** File operations whose every removal is a step. */
export function fatedFiles(fate: Fate): FileOps {
  return {
    ...denoFileOps,
    remove(path) {
      fate.pass();
      denoFileOps.remove(path);
      fate.pass();
    },
  };
}
