import { assertEquals, assertThrows } from "@std/assert";
import { MailteeError } from "../../../src/base/errors.ts";
import { parseTimetable } from "../../../src/schedule/cron.ts";

function times(expression: string, zone: string, from: string, count: number): string[] {
  const timetable = parseTimetable(expression, zone);
  const found: string[] = [];
  let at: number | null = Date.parse(from);
  for (let i = 0; i < count && at !== null; i++) {
    at = timetable.after(at);
    if (at !== null) found.push(new Date(at).toISOString());
  }
  return found;
}

Deno.test("parseTimetable() gives the times of a time zone", () => {
  assertEquals(times("0 2 * * *", "Europe/Berlin", "2026-06-01T00:00:00Z", 2), [
    "2026-06-02T00:00:00.000Z",
    "2026-06-03T00:00:00.000Z",
  ]);
  assertEquals(times("0 9 * * MON-FRI", "UTC", "2026-11-27T09:00:00Z", 1), ["2026-11-30T09:00:00.000Z"]);
  assertEquals(times("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1), ["2028-02-29T00:00:00.000Z"]);
});

Deno.test("parseTimetable() runs a daily time once on the days when the clock changes", () => {
  // Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
  assertEquals(times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2), [
    "2026-03-29T01:00:00.000Z",
    "2026-03-30T00:30:00.000Z",
  ]);
  assertEquals(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2), [
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T01:30:00.000Z",
  ]);
});

Deno.test("parseTimetable() keeps an hourly schedule hourly when the clock changes", () => {
  assertEquals(times("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4), [
    "2026-10-25T00:00:00.000Z",
    "2026-10-25T01:00:00.000Z",
    "2026-10-25T02:00:00.000Z",
    "2026-10-25T03:00:00.000Z",
  ]);
});

Deno.test("Timetable.atOrBefore() includes the moment itself", () => {
  const daily = parseTimetable("0 2 * * *", "UTC");
  const two = Date.parse("2026-06-02T02:00:00Z");
  assertEquals(daily.atOrBefore(two), two);
  assertEquals(daily.atOrBefore(two - 1), two - 24 * 3_600_000);
  assertEquals(daily.atOrBefore(two + 999), two);
});

Deno.test("Timetable.after() gives null where no time comes", () => {
  assertEquals(parseTimetable("0 0 30 2 *", "UTC").after(0), null);
});

Deno.test("parseTimetable() refuses what isn't a cron expression", () => {
  for (const expression of ["", "at two", "61 * * * *", "* * *", "2026-01-01T00:00:00"]) {
    const error = assertThrows(() => parseTimetable(expression, null), MailteeError, `'${expression}'`);
    assertEquals(error.code, "config");
  }
  assertThrows(() => parseTimetable("0 2 * * *", "Mars/Olympus"), MailteeError, "Mars/Olympus");
});
