import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { LineSplitter, UidIndex } from "../../../src/pop3/uid_index.ts";

function listed(index: UidIndex, ...lines: string[]): void {
  for (const line of lines) index.add(encodeUtf8(line));
  index.complete();
}

Deno.test("UidIndex asks for the whole list once", () => {
  const index = new UidIndex();
  assertEquals(index.questionFor(1), "all");
  listed(index, "1 abc\r", "2 d<e>f", "x", "3");
  assertEquals([1, 2, 3].map((number) => index.uidOf(number)), ["abc", "d<e>f", null]);
  assertEquals([1, 3, 99].map((number) => index.questionFor(number)), [null, null, null]);
});

Deno.test("UidIndex asks one by one for what didn't fit", () => {
  const index = new UidIndex(2);
  listed(index, "1 a", "2 b", "3 c");
  assertEquals([index.questionFor(2), index.questionFor(3)], [null, "one"]);
  index.addAnswer(encodeUtf8("+OK 3 c"));
  assertEquals([index.uidOf(3), index.questionFor(3)], ["c", null]);
  index.addAnswer(encodeUtf8("+OK 4 d"));
  assertEquals([index.uidOf(4), index.uidOf(1), index.questionFor(3)], ["d", "a", "one"]);
});

Deno.test("UidIndex takes the answer for one message", () => {
  const index = new UidIndex();
  index.addAnswer(encodeUtf8("+OK 7 uid-7"));
  assertEquals(index.uidOf(7), "uid-7");
  assertEquals(index.questionFor(7), null);
  assertEquals(index.questionFor(8), "all");
});

Deno.test("UidIndex stops asking a server without UIDL", () => {
  const index = new UidIndex();
  index.refuse(null);
  assertEquals([index.questionFor(1), index.uidOf(1)], [null, null]);
});

Deno.test("UidIndex doesn't ask again for a message that has no UID", () => {
  const index = new UidIndex(1);
  listed(index, "1 a", "2 b");
  index.refuse(2);
  assertEquals(index.questionFor(2), null);
  assertEquals(index.questionFor(3), "one");
});

Deno.test("LineSplitter gives the same lines wherever the block is cut", () => {
  const text = encodeUtf8("1 abc\r\n2 d\n\r\n3 xyz\r\n");
  for (let first = 0; first <= text.length; first++) {
    for (let second = first; second <= text.length; second++) {
      const lines: string[] = [];
      const splitter = new LineSplitter((line) => lines.push(decodeUtf8(line)));
      for (const piece of [text.slice(0, first), text.slice(first, second), text.slice(second)]) splitter.push(piece);
      assertEquals(lines, ["1 abc\r", "2 d", "\r", "3 xyz\r"]);
    }
  }
});

Deno.test("LineSplitter cuts off overlong lines", () => {
  const lengths: number[] = [];
  const splitter = new LineSplitter((line) => lengths.push(line.length));
  for (let piece = 0; piece < 100; piece++) splitter.push(encodeUtf8("x".repeat(1000)));
  splitter.push(encodeUtf8("\r\n" + "y".repeat(2000) + "\nz\n"));
  assertEquals(lengths, [512, 512, 1]);
});
