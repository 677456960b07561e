import { assertEquals } from "@std/assert";
import { nearest } from "../../../src/base/nearest.ts";

Deno.test("nearest() finds what a typing error meant", () => {
  const words = ["archive", "runs", "run", "search", "status", "dropFolder"];
  const cases: readonly (readonly [word: string, meant: string | undefined])[] = [
    ["archiev", "archive"],
    ["ARCHIVE", "archive"],
    ["serch", "search"],
    ["rum", "run"],
    ["dropfoldr", "dropFolder"],
    ["run", "run"],
    ["xyzzy", undefined],
    ["", undefined],
  ];
  for (const [word, meant] of cases) assertEquals([word, nearest(word, words)], [word, meant]);
});

Deno.test("nearest() allows one wrong letter in short words, and has nothing to say without candidates", () => {
  assertEquals(nearest("t", ["to"]), "to");
  assertEquals(nearest("ab", ["to"]), undefined);
  assertEquals(nearest("a", []), undefined);
});
