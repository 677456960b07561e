/** The rules by which hours are judged. */

import type { Violation } from "../faults/ledgers.ts";
import type { Sample } from "./sample.ts";

/** Octets that memory may grow by after the first hours: the harness's own book is among them. */
export const HEAP_ALLOWANCE = 4 * 1024 * 1024;
export const RESIDENT_ALLOWANCE = 48 * 1024 * 1024;
const DESCRIPTOR_ALLOWANCE = 4;
/** A run that left nothing behind has so short a protocol. */
const RUN_BYTES = 1024;

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
