import { assertEquals } from "@std/assert";
import { parseTimetable } from "../../../src/schedule/cron.ts";
import { due } from "../../../src/schedule/due.ts";

/** served, now → "now" or the time to wait for, and what is served then. */
function at(expression: string, served: string, now: string): [string, string] {
  const state = due(parseTimetable(expression, "UTC"), { served: Date.parse(served) }, Date.parse(now));
  const when = state.kind === "now" ? "now" : state.at === null ? "never" : new Date(state.at).toISOString();
  return [when, new Date(state.mark.served).toISOString()];
}

const DAILY = "0 2 * * *";

Deno.test("due() waits for the next time, also right after one was served", () => {
  assertEquals(at(DAILY, "2026-06-01T02:00:00Z", "2026-06-01T02:00:00Z"), [
    "2026-06-02T02:00:00.000Z",
    "2026-06-01T02:00:00.000Z",
  ]);
});

Deno.test("due() makes several missed times up by one run", () => {
  assertEquals(at(DAILY, "2026-06-01T02:00:00Z", "2026-06-09T11:00:00Z"), ["now", "2026-06-09T02:00:00.000Z"]);
});

Deno.test("due() doesn't serve a time twice when the clock is set back a little", () => {
  assertEquals(at(DAILY, "2026-06-02T02:00:00Z", "2026-06-02T01:10:00Z")[0], "2026-06-03T02:00:00.000Z");
});

Deno.test("due() takes a clock that was set back by more than half an interval as it stands", () => {
  assertEquals(at(DAILY, "2031-06-02T02:00:00Z", "2026-06-02T01:10:00Z")[0], "2026-06-02T02:00:00.000Z");
  assertEquals(at("*/5 * * * *", "2026-06-02T02:00:00Z", "2026-06-02T01:01:00Z")[0], "2026-06-02T01:05:00.000Z");
});

Deno.test("due() gives never where no time comes any more", () => {
  assertEquals(at("0 0 30 2 *", "2026-06-02T02:00:00Z", "2026-06-02T02:00:00Z")[0], "never");
});
