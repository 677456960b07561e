/** What a program must not have more of, hour by hour. */

import { DatabaseSync } from "node:sqlite";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { join } from "@std/path";
import type { App } from "../../src/app.ts";
import { openArchive } from "../../src/archive/archive.ts";
import type { LeapingClock } from "./leaping_clock.ts";
import type { Told } from "./office.ts";
import type { Premises } from "./premises.ts";

export interface Sample {
  /** Simulated time, `13:00`. */
  readonly time: string;
  /** Mails that were sent or fetched since the one before. */
  readonly mails: number;
  /** Sessions since the one before. */
  readonly sessions: number;
  readonly openSessions: number;
  readonly openCaptures: number;
  /** File descriptors of the process. */
  readonly descriptors: number;
  /** Files in `.incoming/` that hold something, or more of the empty ones than are kept ready. */
  readonly incoming: number;
  /** Who waits for the clock. */
  readonly sleepers: number;
  /** Of JavaScript, after a collection. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Captures since the beginning. */
  readonly captures: number;
  readonly archived: number;
  /** Mails remembered as retrieved. */
  readonly remembered: number;
  /** Mails that clients have begun to fetch, each once for each client. */
  readonly fetched: number;
  readonly runs: number;
  readonly runLogBytes: number;
}

/** What is looked at. */
export interface Subject {
  readonly app: App;
  readonly premises: Premises;
  readonly clock: LeapingClock;
  /** Simulated time, `13:00`. */
  readonly time: string;
  readonly book: readonly Told[];
  /** Sessions since the beginning. */
  readonly sessions: number;
}

/** Looks at a program at rest; `before` are the samples that were taken of it before. */
export async function takeSample(subject: Subject, before: readonly Sample[]): Promise<Sample> {
  const { app, premises, clock, time, book, sessions } = subject;
  const archive = await openArchive(premises.archive, { readOnly: true });
  const runs = await archive.catalog.runs();
  const { captures: archived } = await archive.catalog.totals();
  archive.close();
  const { proxies, dropFolders: [written] } = app.status();
  return {
    time,
    mails: book.length - before.reduce((sum, { mails }) => sum + mails, 0),
    sessions: sessions - before.reduce((sum, { sessions }) => sum + sessions, 0),
    openSessions: proxies.reduce((sum, { stats }) => sum + stats.sessions.open, 0),
    openCaptures: written?.open ?? 0,
    incoming: leftInIncoming(premises.drop),
    sleepers: clock.sleeping,
    captures: written?.committed ?? 0,
    archived,
    remembered: rememberedIn(premises.drop),
    fetched: book.filter(({ by }) => by === "pop3").length,
    runs: runs.length,
    runLogBytes: runs.reduce((sum, run) => sum + JSON.stringify(run).length, 0),
    heapBytes: heapAfterCollection(),
    residentBytes: Deno.memoryUsage().rss,
    descriptors: openDescriptors(),
  };
}

let garbageCollection: (() => void) | null = null;

/** Octets of JavaScript's heap that are in use, after a garbage collection. */
function heapAfterCollection(): number {
  garbageCollection ??= exposedCollection();
  garbageCollection();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function exposedCollection(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

/** File descriptors of this process; 0 where the system doesn't tell. */
export function openDescriptors(): number {
  try {
    return Array.from(Deno.readDirSync("/proc/self/fd")).length;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Captures in the making below `.incoming/`; the empty files that are kept ready for captures to come don't count. */
function leftInIncoming(drop: string): number {
  const incoming = join(drop, ".incoming");
  const folders = Array.from(Deno.readDirSync(incoming)).filter(({ isDirectory }) => isDirectory);
  return folders.flatMap(({ name }) =>
    Array.from(Deno.readDirSync(join(incoming, name)))
      .filter((file) => file.name !== "lock" && Deno.statSync(join(incoming, name, file.name)).size > 0)
  ).length;
}

/** How many mails are remembered as retrieved. */
function rememberedIn(drop: string): number {
  const database = new DatabaseSync(join(drop, ".retrieved.db"), { readOnly: true });
  try {
    return Number(database.prepare("SELECT count(*) AS count FROM seen").get()?.["count"] ?? 0);
  } finally {
    database.close();
  }
}
