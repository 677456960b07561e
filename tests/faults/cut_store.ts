/** Power cuts while mails are put into the archive's content store. */

import { join } from "@std/path";
import { FileStore, openFileStore } from "../../src/archive/store.ts";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import type { FileOps } from "../../src/base/files.ts";
import { randomSource } from "../unit/net/random.ts";
import { cutRecords, type PowerCutOptions, type PowerCutResult } from "./cut_records.ts";
import { DyingFileOps } from "./dying_file_ops.ts";
import { Fate } from "./fate.ts";
import type { Violation } from "./ledgers.ts";
import { makeMail } from "./mails.ts";
import type { RecordedDisk } from "./recorded_disk.ts";

/** A mail, and since when the store has promised to have it, by the count of events. */
interface Promised {
  readonly sha256: string;
  readonly since: number;
}

/** The same as `cutDropFolders`, for batches of mails of which some are stored more than once. */
export function cutStores(options: PowerCutOptions): Promise<PowerCutResult> {
  return cutRecords(options, {
    record: (folder, disk, ops, seed) => storeAll(join(folder, "store"), disk, ops, seed),
    compare: async (folder, promised, at) => {
      const due = promised.filter(({ since }) => since <= at);
      return { captures: due.length, problems: await checkStore(join(folder, "store"), due) };
    },
  });
}

/** Two processes after each other, the first cut off; then two at once. */
async function storeAll(
  folder: string,
  disk: RecordedDisk,
  ops: FileOps,
  seed: number,
): Promise<Promised[]> {
  const promised: Promised[] = [];
  const random = randomSource(seed);
  const fate = new Fate(seed, 5 + Math.floor(random() * 25));
  const mails = Array.from(
    { length: 8 },
    (_, number) => makeMail(`m${number}`, random, { large: number === 3 }).content,
  );
  const [first = encodeUtf8("")] = mails;
  await storeBatches(folder, new DyingFileOps(fate, ops), disk, [mails.slice(0, 4), [first]], promised).catch(
    (error) => {
      if (!fate.dead) throw error;
    },
  );
  await Promise.all([
    storeBatches(folder, ops, disk, [mails.slice(0, 3), mails.slice(2, 6)], promised),
    storeBatches(folder, ops, disk, [mails.slice(1, 5), mails], promised),
  ]);
  return promised;
}

async function storeBatches(
  folder: string,
  ops: FileOps,
  disk: RecordedDisk,
  batches: readonly (readonly Uint8Array<ArrayBuffer>[])[],
  promised: Promised[],
): Promise<void> {
  const store = await openFileStore(folder, { ops });
  for (const mails of batches) {
    const batch = store.batch();
    const hashes: string[] = [];
    try {
      for (const mail of mails) hashes.push((await batch.add(mail)).sha256);
      await batch.flush();
    } finally {
      await batch.abandon();
    }
    const since = disk.events.length;
    promised.push(...hashes.map((sha256) => ({ sha256, since })));
  }
}

async function checkStore(folder: string, due: readonly Promised[]): Promise<Violation[]> {
  const found: Violation[] = [];
  const store = new FileStore(folder, { readOnly: true });
  for (const sha256 of new Set(due.map((promise) => promise.sha256))) {
    const { state } = await store.check(sha256);
    if (state !== "sound") found.push(`${sha256.slice(0, 12)} was stored, and is ${state}`);
  }
  try {
    for await (const entry of store.list()) {
      if (entry.kind === "foreign") found.push(`${entry.file} is of nobody`);
      if (entry.kind === "content" && (await store.check(entry.sha256)).state !== "sound") {
        found.push(`${entry.file} has a mail's name and isn't sound`);
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}
