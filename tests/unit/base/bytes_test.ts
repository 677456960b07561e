import { assertEquals } from "@std/assert";
import { concatBytes, decodeLatin1, decodeUtf8, encodeUtf8, equalBytes, toHex } from "../../../src/base/bytes.ts";

Deno.test("decodeUtf8() keeps a byte order mark and replaces what isn't UTF-8", () => {
  assertEquals(decodeUtf8(encodeUtf8("\uFEFFä")), "\uFEFFä");
  assertEquals(decodeUtf8(new Uint8Array([0x61, 0xff, 0x62])), "a\uFFFDb");
});

Deno.test("decodeLatin1() gives one character per byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const text = decodeLatin1(bytes);
  assertEquals(text.length, 256);
  for (const byte of [0, 0x0a, 0x41, 0x7f, 0xa0, 0xff]) assertEquals(text.charCodeAt(byte), byte);
});

Deno.test("concatBytes() copies its parts", () => {
  const part = new Uint8Array([1, 2]);
  const all = concatBytes([part, new Uint8Array(), new Uint8Array([3])]);
  part[0] = 9;
  assertEquals(all, new Uint8Array([1, 2, 3]));
  assertEquals(concatBytes([]), new Uint8Array());
});

Deno.test("equalBytes() compares content and length", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  assertEquals(equalBytes(bytes, new Uint8Array([0, 1, 2, 3]).subarray(1)), true);
  for (const other of [[1, 2], [1, 2, 4], [1, 2, 3, 4], []]) {
    assertEquals(equalBytes(bytes, new Uint8Array(other)), false);
  }
});

Deno.test("toHex() gives two lower-case digits per byte", () => {
  assertEquals(toHex(new Uint8Array([0, 10, 255])), "000aff");
});
