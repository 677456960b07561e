import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Clock } from "../../../src/base/clock.ts";
import { createProgress, progressLine } from "../../../src/cli/progress.ts";

/** A clock that stands until it is set. */
function standingClock(): Clock & { ms: number } {
  return {
    ms: 0,
    now: () => 0,
    monotonicMs() {
      return this.ms;
    },
    sleep: () => Promise.reject(new Error("nobody sleeps here")),
  };
}

Deno.test("progressLine() shows share, count, rate and time left", () => {
  const at = { label: "archive", total: 200, done: 50, detail: "x.eml", elapsedMs: 10_000 };
  assertEquals(progressLine(at), "archive [######------------------] 25% 50/200 30 s left 5.0/s x.eml");
  assertEquals(
    progressLine({ ...at, elapsedMs: 100_000, detail: undefined }),
    "archive [######------------------] 25% 50/200 5 min 0 s left 0.5/s",
  );
  assertEquals(progressLine({ ...at, done: 200 }), "archive [########################] 100% 200/200 20/s x.eml");
});

Deno.test("progressLine() does without a total, and without time gone by", () => {
  const at = { label: "verify", total: undefined, done: 7, detail: undefined, elapsedMs: 0 };
  assertEquals(progressLine(at), "verify 7");
  assertEquals(progressLine({ ...at, total: 0, done: 0 }), "verify 0");
  assertEquals(progressLine({ ...at, total: 5, done: 9 }), "verify [########################] 100% 9/5");
});

Deno.test("createProgress() redraws at most ten times a second, within the columns, and cleans up", () => {
  const clock = standingClock();
  const written: string[] = [];
  const progress = createProgress({
    label: "archive",
    total: 100,
    clock,
    columns: 20,
    write: (text) => void written.push(text),
  });
  for (clock.ms = 0; clock.ms < 250; clock.ms += 10) progress.update(clock.ms / 10);
  assertEquals(written.length, 3);
  for (const line of written) assertEquals(line.replace("\r\x1b[2K", "").length, 19);
  progress.end();
  assertEquals(written.at(-1), "\r\x1b[2K");
});

Deno.test("createProgress() is silent where nobody looks, and leaves no trace where nothing was drawn", () => {
  const clock = standingClock();
  const silent = createProgress({ label: "a", total: 1, clock, columns: 80, write: null });
  silent.update(1);
  silent.end();
  const written: string[] = [];
  createProgress({ label: "a", total: 1, clock, columns: 80, write: (text) => void written.push(text) }).end();
  assertEquals(written, []);
  const drawn = createProgress({
    label: "a",
    total: undefined,
    clock,
    columns: 80,
    write: (text) => void written.push(text),
  });
  drawn.update(1, "x");
  assertStringIncludes(written[0] ?? "", "a 1 x");
});
