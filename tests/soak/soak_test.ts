/** The short form of `deno task soak`, and leaks that it has to notice. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { soak, type SoakOptions } from "./soak.ts";
import { Visitor } from "./visitor.ts";

Deno.test("an hour of an office's day leaks nothing, and all ledgers agree", async () => {
  const { samples, captures, violations } = await soak({
    seed: 11,
    hours: 1,
    fromHour: 9,
    size: 0.15,
    sampleMinutes: 10,
  });
  assertEquals(violations, []);
  assertEquals(samples.length, 6);
  assertGreater(captures, 80);
});

const SHORT = { seed: 12, hours: 0.1, fromHour: 9, size: 0.2, sampleMinutes: 1 };

async function expectNoticed(sown: Partial<SoakOptions>, sign: RegExp): Promise<void> {
  const { violations } = await soak({ ...SHORT, ...sown });
  assert(violations.some((each) => sign.test(each)), `not noticed; said was:\n${violations.join("\n")}`);
}

Deno.test("soak() notices memory that isn't given back", async () => {
  const kept: Uint8Array[] = [];
  await expectNoticed({
    sownClock: (real) => ({
      now: () => {
        kept.push(new Uint8Array(1024 * 1024));
        return real.now();
      },
      monotonicMs: () => real.monotonicMs(),
      sleep: (ms, signal) => real.sleep(ms, signal),
    }),
  }, /the heap grew from/);
  assertGreater(kept.length, 0);
});

Deno.test("soak() notices timers that nobody waits for any more", async () => {
  const over = new AbortController();
  await expectNoticed({
    sownClock: (real) => ({
      now: () => real.now(),
      monotonicMs: () => real.monotonicMs(),
      sleep: (ms, signal) => {
        real.sleep(7 * 24 * 3_600_000, over.signal).catch(() => {});
        return real.sleep(ms, signal);
      },
    }),
  }, /who waits for the clock grew from/);
  over.abort();
});

Deno.test("soak() notices files that aren't closed", async () => {
  const open: Deno.FsFile[] = [];
  await expectNoticed({
    eachMinute: () => {
      for (let count = 0; count < 3; count++) open.push(Deno.openSync(new URL(import.meta.url)));
    },
    patienceMs: 500,
  }, /file descriptors grew from/);
  for (const file of open) file.close();
});

Deno.test("soak() notices a session that doesn't end", async () => {
  const visitors: Visitor[] = [];
  await expectNoticed({
    eachMinute: async (door) => void visitors.push(await Visitor.enter("smtp", door)),
    patienceMs: 200,
  }, /sessions or jobs don't come to their end/);
  for (const visitor of visitors) visitor.leave();
});
