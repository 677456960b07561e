/** Power cuts at moments by chance in records of file operations. */

import { join } from "@std/path";
import type { FileOps } from "../../src/base/files.ts";
import { memoryFolder } from "../unit/drop/samples.ts";
import { randomSource } from "../unit/net/random.ts";
import type { Violation } from "./ledgers.ts";
import { cutPower } from "./power_cut.ts";
import { RecordedDisk } from "./recorded_disk.ts";

export interface PowerCutOptions {
  readonly seed: number;
  /** How many records are made, and how many disks of each. */
  readonly records: number;
  readonly cutsPerRecord: number;
  readonly sowing?: (real: FileOps) => FileOps;
  readonly progress?: (done: number) => void;
}

export interface PowerCutResult {
  readonly cuts: number;
  /** Captures, or mails, that were compared after all the cuts. */
  readonly captures: number;
  readonly violations: readonly Violation[];
}

/** What is recorded, and how it is judged. */
export interface Recording<Book> {
  /** Works in `folder` by way of `ops`, and keeps a book of what was promised by which event of the disk. */
  readonly record: (folder: string, disk: RecordedDisk, ops: FileOps, seed: number) => Promise<Book>;
  /** Compares what is left in `folder`, after a cut before event `at`, with the book. */
  readonly compare: (folder: string, book: Book, at: number) => Promise<{ captures: number; problems: Violation[] }>;
}

export async function cutRecords<Book>(
  options: PowerCutOptions,
  { record, compare }: Recording<Book>,
): Promise<PowerCutResult> {
  const { seed: firstSeed, sowing = (real: FileOps) => real } = options;
  const found: Violation[] = [];
  let captures = 0;
  let cuts = 0;
  for (let seed = firstSeed; seed < firstSeed + options.records; seed++) {
    const folder = await Deno.makeTempDir({ prefix: "mailtee-power-", ...(memoryFolder && { dir: memoryFolder }) });
    try {
      const disk = new RecordedDisk();
      const from = join(folder, "disk");
      Deno.mkdirSync(from);
      const book = await record(from, disk, sowing(disk.ops), seed);
      const random = randomSource(seed);
      for (let cut = 0; cut < options.cutsPerRecord; cut++) {
        const at = Math.floor(random() * (disk.events.length + 1));
        const to = join(folder, `cut-${cut}`);
        Deno.mkdirSync(to);
        cutPower({ events: disk.events, at, random, from, to });
        const after = await compare(to, book, at);
        captures += after.captures;
        found.push(...after.problems.map((problem) => `seed ${seed}, cut ${cut} at ${at}: ${problem}`));
        Deno.removeSync(to, { recursive: true });
        cuts++;
        options.progress?.(cuts);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  return { cuts, captures, violations: found };
}
