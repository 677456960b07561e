/**
 * `deno task soak [--hours N] [--seed N] [--size N]`: an office's day, as fast as it goes, and a table of its hours. The
 * seed decides what is sent and fetched when; without one it is the time. Ends with 1 where something leaked, or a
 * ledger differs.
 */

import { parseArgs } from "@std/cli";
import { formatTable } from "../../src/cli/table.ts";
import { HEAP_ALLOWANCE, RESIDENT_ALLOWANCE } from "./leaks.ts";
import type { Sample } from "./sample.ts";
import { soak } from "./soak.ts";

const MIB = 1024 * 1024;
const DEFAULT_HOURS = 24;

async function main(): Promise<number> {
  const args = parseArgs(Deno.args, { string: ["hours", "seed", "size"] });
  const hours = Number(args.hours ?? DEFAULT_HOURS);
  const seed = Number(args.seed ?? Date.now() % 1_000_000);
  const size = Number(args.size ?? 1);
  console.error(`${hours} hours of an office's day, seed ${seed}, size ${size}`);
  const started = performance.now();
  const { samples, captures, violations } = await soak({
    seed,
    hours,
    size,
    progress: ({ time, captures }) => console.error(`  ${time}: ${captures} captures`),
  });
  for (const violation of violations) console.error(`VIOLATION ${violation}`);
  console.log(table(samples));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `${captures} captures, ${violations.length} violations, ${seconds} s; allowed after the first fifth: ` +
      `${HEAP_ALLOWANCE / MIB} MB more of heap, ${RESIDENT_ALLOWANCE / MIB} MB more of memory`,
  );
  return violations.length > 0 ? 1 : 0;
}

function table(samples: readonly Sample[]): string {
  const number = (title: string, value: (sample: Sample) => number) => ({
    title,
    text: (sample: Sample) => String(value(sample)),
    align: "right" as const,
  });
  return formatTable(samples, [
    { title: "Until", text: ({ time }) => time },
    number("Mails", ({ mails }) => mails),
    number("Sessions", ({ sessions }) => sessions),
    number("FDs", ({ descriptors }) => descriptors),
    number("Incoming", ({ incoming }) => incoming),
    number("Waiting", ({ sleepers }) => sleepers),
    number("Heap MB", ({ heapBytes }) => Math.round(heapBytes / MIB)),
    number("RSS MB", ({ residentBytes }) => Math.round(residentBytes / MIB)),
    number("Captures", ({ captures }) => captures),
    number("Archived", ({ archived }) => archived),
    number("Remembered", ({ remembered }) => remembered),
    number("Runs", ({ runs }) => runs),
  ], 120);
}

if (import.meta.main) Deno.exit(await main());
