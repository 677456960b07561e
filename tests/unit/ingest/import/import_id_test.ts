import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { importId } from "../../../../src/ingest/import/import_id.ts";

const SHA256 = "0123456789abcdef".repeat(4);

Deno.test("importId() is the same for the same mail and users, in any order, and for no others", () => {
  const id = importId(SHA256, ["anna", "bert"]);
  assertEquals(importId(SHA256, ["bert", "anna"]), id);
  assertNotEquals(importId(SHA256, ["anna"]), id);
  assertNotEquals(importId(SHA256, ["anna,bert"]), id);
  assertNotEquals(importId(SHA256.replace("0", "1"), ["anna", "bert"]), id);
});

Deno.test("importId() has the form of a ULID", () => {
  for (let number = 0; number < 200; number++) {
    assertMatch(importId(`${number}`, []), /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  }
});
