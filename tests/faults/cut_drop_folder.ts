/** Power cuts while captures are made: a record of some transmissions, and what is left of them after any cut. */

import { join } from "@std/path";
import type { FileOps } from "../../src/base/files.ts";
import type { CaptureStart, Settlement } from "../../src/drop/types.ts";
import { type FileDropWriter, openDropWriter } from "../../src/drop/writer.ts";
import { pop3Start, smtpStart, writeInChunks } from "../unit/drop/samples.ts";
import { randomSource } from "../unit/net/random.ts";
import { cutRecords, type PowerCutOptions, type PowerCutResult } from "./cut_records.ts";
import { DyingFileOps } from "./dying_file_ops.ts";
import { Fate } from "./fate.ts";
import { readCopies, type Violation, violations } from "./ledgers.ts";
import { type LoadMail, makeMail } from "./mails.ts";
import type { RecordedDisk } from "./recorded_disk.ts";

/** One transmission on the record; what happened to it, by the count of events at that moment. */
interface Transmission {
  readonly mail: LoadMail;
  readonly by: "smtp" | "pop3";
  readonly begun: number;
  held: number;
  told: number;
  refused: number;
}

/** Makes records of transmissions, and cuts the power at moments by chance. */
export function cutDropFolders(options: PowerCutOptions): Promise<PowerCutResult> {
  return cutRecords(options, {
    record: (folder, disk, ops, seed) => transmitAll(join(folder, "drop"), disk, ops, seed),
    compare: (folder, book, at) => compareAfter(join(folder, "drop"), book, at),
  });
}

/** Two lives of the program on one disk, the first cut off, so that the record has a recovery in it. */
async function transmitAll(
  drop: string,
  disk: RecordedDisk,
  ops: FileOps,
  seed: number,
): Promise<Transmission[]> {
  const book: Transmission[] = [];
  const random = randomSource(seed);
  const fate = new Fate(seed, 10 + Math.floor(random() * 50));
  await openAndTransmit(drop, new DyingFileOps(fate, ops), disk, book, `s${seed}-first`, random).catch((error) => {
    if (!fate.dead) throw error;
  });
  await openAndTransmit(drop, ops, disk, book, `s${seed}-second`, random);
  return book;
}

async function openAndTransmit(
  drop: string,
  ops: FileOps,
  disk: RecordedDisk,
  book: Transmission[],
  token: string,
  random: () => number,
): Promise<void> {
  const writer = await openDropWriter(drop, { ops });
  const recipient = (address: string) => ({ address, params: [], reply: "250 Ok" });
  const start = smtpStart({ recipients: [recipient("a@x.example"), recipient("b@x.example")] });
  const accepted: Settlement = { outcome: "accepted", reply: "250 Ok" };
  const kinds: (readonly [string, CaptureStart, Settlement | null, boolean])[] = [
    ["small", start, accepted, false],
    ["large", start, accepted, true],
    ["refused", start, null, false],
    ["fetched", pop3Start(), { outcome: "retrieved" }, false],
    ["lost", start, { outcome: "unknown" }, false],
    ["long", start, { ...accepted, reply: `250 ${"x".repeat(600)}` }, false],
    ["fewer", start, { ...accepted, recipients: [recipient("b@x.example")] }, false],
  ];
  const lanes = [kinds.filter((_, index) => index % 2 === 0), kinds.filter((_, index) => index % 2 === 1)];
  try {
    const ends = await Promise.allSettled(lanes.map(async (lane) => {
      for (const [word, start, settlement, large] of lane) {
        const mail = makeMail(`${token}-${word}`, random, { large });
        await transmit(writer, disk, book, mail, start, settlement);
      }
    }));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  } finally {
    await writer.close();
  }
}

async function transmit(
  writer: FileDropWriter,
  disk: RecordedDisk,
  book: Transmission[],
  mail: LoadMail,
  start: CaptureStart,
  settlement: Settlement | null,
): Promise<void> {
  const by = start.smtp === undefined ? "pop3" : "smtp";
  const known = { mail, by, begun: disk.events.length, held: Infinity, told: Infinity, refused: Infinity } as const;
  const entry: Transmission = { ...known };
  book.push(entry);
  const capture = writer.begin(start);
  try {
    writeInChunks(capture, mail.content, 32 * 1024);
    await capture.seal();
    if (settlement === null) {
      capture.abort();
      entry.refused = disk.events.length;
      return;
    }
    if (by === "smtp") entry.held = disk.events.length;
    await capture.commit(settlement);
    if (settlement.outcome === "unknown") entry.refused = disk.events.length;
    else entry.told = disk.events.length;
  } catch (error) {
    capture.abort();
    throw error;
  }
}

/** Starts on what is left, and compares it with what everybody knew at the moment of the cut. */
async function compareAfter(
  drop: string,
  book: readonly Transmission[],
  at: number,
): Promise<{ captures: number; problems: Violation[] }> {
  const next = await openDropWriter(drop);
  const failed = next.recovery.failed.map(({ path, reason }) => `recovery failed: ${path}: ${reason}`);
  await next.close();
  const { copies, disorder } = await readCopies(drop);
  const begun = book.filter((entry) => entry.begun <= at);
  const told = begun.map((entry) => {
    const told = entry.told <= at ? "accepted" as const : entry.refused <= at ? "refused" as const : "nothing" as const;
    return { mail: entry.mail, by: entry.by, told, fetched: null, reply: "" };
  });
  const held = begun.filter((entry) => entry.held <= at)
    .map(({ mail }) => ({ token: mail.token, content: mail.normalized }));
  const problems = violations({ told, held, copies, disorder: [...failed, ...disorder] }, "power-cut");
  return { captures: copies.length, problems };
}
