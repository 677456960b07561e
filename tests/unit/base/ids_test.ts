import { assertEquals, assertMatch } from "@std/assert";
import { createUlidMaker, ulidTime } from "../../../src/base/ids.ts";

const TIME = Date.UTC(2026, 10, 24, 11, 55, 1, 123);

Deno.test("createUlidMaker() makes unique ULIDs in ascending order, whatever the clock does", () => {
  let now = TIME;
  const make = createUlidMaker(() => now);
  const ids: string[] = [];
  for (const jump of [0, 0, 1, -1, -86_400_000, 0.7, 3_600_000, -1]) {
    now += jump;
    for (let i = 0; i < 50; i++) ids.push(make());
  }
  for (const id of ids) assertMatch(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  assertEquals(ids.toSorted(), ids);
  assertEquals(new Set(ids).size, ids.length);
});

Deno.test("createUlidMaker() goes to the next millisecond where the random part is used up", () => {
  const make = createUlidMaker(() => TIME, (bytes) => bytes.fill(0xff));
  const [first, second] = [make(), make()];
  assertEquals(first.slice(10), "Z".repeat(16));
  assertEquals(ulidTime(second) - ulidTime(first), 1);
});

Deno.test("createUlidMaker() carries within the random part", () => {
  const make = createUlidMaker(() => TIME, (bytes) => {
    bytes.fill(0);
    bytes[15] = 31;
    return bytes;
  });
  assertEquals([make().slice(10), make().slice(10)], ["000000000000000Z", "0000000000000010"]);
});

Deno.test("ulidTime() gives the time back, and NaN for what isn't a ULID", () => {
  assertEquals(ulidTime(createUlidMaker(() => TIME)()), TIME);
  assertEquals(ulidTime("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), 2 ** 48 - 1);
  for (const text of ["", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01KAVTGY5KU000000000000000", "01kavtgy5k0000000000000000"]) {
    assertEquals(ulidTime(text), NaN);
  }
});
