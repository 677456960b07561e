/**
 * `short_day.ts [LEAK]`: the short form of the soak, with a leak that it has to notice. In a process of its own, since
 * file descriptors and memory are a process's. Prints what came of it as JSON.
 */

import type { Clock } from "../../src/base/clock.ts";
import { soak, type SoakOptions } from "./soak.ts";
import { Visitor } from "./visitor.ts";

/** What came of a short day. */
export interface ShortDay {
  readonly samples: number;
  readonly captures: number;
  readonly violations: readonly string[];
}

const HOUR = { seed: 11, hours: 1, fromHour: 9, size: 0.1, sampleMinutes: 10 };
const MINUTES = { seed: 12, hours: 0.1, fromHour: 9, size: 0.2, sampleMinutes: 1 };
const KEPT_BYTES = 1024 * 1024;
const WEEK_MS = 7 * 24 * 3_600_000;

/** Whatever is kept, until the process ends. */
const kept: unknown[] = [];

function changed(real: Clock, change: Partial<Clock>): Clock {
  return {
    now: () => real.now(),
    monotonicMs: () => real.monotonicMs(),
    sleep: (ms, signal) => real.sleep(ms, signal),
    ...change,
  };
}

const LEAKS: Readonly<Record<string, Partial<SoakOptions>>> = {
  memory: {
    sownClock: (real) =>
      changed(real, {
        now: () => {
          kept.push(new Uint8Array(KEPT_BYTES));
          return real.now();
        },
      }),
  },
  timers: {
    sownClock: (real) =>
      changed(real, {
        sleep: (ms, signal) => {
          kept.push(real.sleep(WEEK_MS));
          return real.sleep(ms, signal);
        },
      }),
  },
  files: {
    eachMinute: () => {
      for (let count = 0; count < 3; count++) kept.push(Deno.openSync(new URL(import.meta.url)));
    },
    patienceMs: 500,
  },
  sessions: {
    eachMinute: async (door) => void kept.push(await Visitor.enter("smtp", door)),
    patienceMs: 500,
  },
};

async function main(): Promise<number> {
  const [leak] = Deno.args;
  const sown = leak === undefined ? undefined : LEAKS[leak];
  if (leak !== undefined && sown === undefined) {
    console.error(`no leak ${leak}; there are ${Object.keys(LEAKS).join(", ")}`);
    return 2;
  }
  const { samples, captures, violations } = await soak(sown === undefined ? HOUR : { ...MINUTES, ...sown });
  const day: ShortDay = { samples: samples.length, captures, violations };
  console.log(JSON.stringify(day));
  return 0;
}

if (import.meta.main) Deno.exit(await main());
