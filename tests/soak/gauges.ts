/** What a program must not have more of, hour by hour, and the rules by which it is judged. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { join } from "@std/path";
import type { Violation } from "../faults/ledgers.ts";

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

/** Octets that memory may grow by after the first hours: the harness's own book is among them. */
export const HEAP_ALLOWANCE = 4 * 1024 * 1024;
export const RESIDENT_ALLOWANCE = 48 * 1024 * 1024;
const DESCRIPTOR_ALLOWANCE = 4;
/** A run that left nothing behind has so short a protocol. */
const RUN_BYTES = 1024;

let garbageCollection: (() => void) | null = null;

/** Octets of JavaScript's heap that are in use, after a garbage collection. */
export function heapAfterCollection(): number {
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
export function leftInIncoming(drop: string): number {
  const incoming = join(drop, ".incoming");
  const folders = Array.from(Deno.readDirSync(incoming)).filter(({ isDirectory }) => isDirectory);
  return folders.flatMap(({ name }) =>
    Array.from(Deno.readDirSync(join(incoming, name)))
      .filter((file) => file.name !== "lock" && Deno.statSync(join(incoming, name, file.name)).size > 0)
  ).length;
}

/** Judges the samples; what came before `settled` of them was the program's warming up. */
export function leaks(samples: readonly Sample[], settled: number): Violation[] {
  const found: Violation[] = [];
  for (const sample of samples) {
    const complain = (text: string) => found.push(`${sample.time}: ${text}`);
    if (sample.openSessions > 0) complain(`${sample.openSessions} sessions stay open`);
    if (sample.openCaptures > 0) complain(`${sample.openCaptures} captures stay open`);
    if (sample.incoming > 0) complain(`${sample.incoming} files stay in .incoming/`);
    if (sample.remembered > sample.fetched) {
      complain(`${sample.remembered} mails are remembered as retrieved, ${sample.fetched} were fetched`);
    }
    if (sample.runLogBytes > sample.runs * RUN_BYTES) {
      complain(`${sample.runs} runs take ${sample.runLogBytes} octets of the run log`);
    }
  }
  const base = samples[settled];
  if (base === undefined) return found;
  for (const sample of samples.slice(settled + 1)) {
    const complain = (what: string, before: number, now: number) =>
      found.push(`${sample.time}: ${what} grew from ${before} at ${base.time} to ${now}`);
    if (sample.descriptors > base.descriptors + DESCRIPTOR_ALLOWANCE) {
      complain("file descriptors", base.descriptors, sample.descriptors);
    }
    if (sample.sleepers > base.sleepers) complain("who waits for the clock", base.sleepers, sample.sleepers);
    if (sample.heapBytes > base.heapBytes + HEAP_ALLOWANCE) complain("the heap", base.heapBytes, sample.heapBytes);
    if (sample.residentBytes > base.residentBytes + RESIDENT_ALLOWANCE) {
      complain("memory", base.residentBytes, sample.residentBytes);
    }
  }
  return found;
}
