import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { formatBlock, type Status, statusOf } from "../../../src/pop3/reply.ts";

const statuses: readonly (readonly [string, Status])[] = [
  ["+OK", "ok"],
  ["+OK 2 messages", "ok"],
  ["+ok lower case", "ok"],
  ["+OKAY", "other"],
  ["-ERR", "err"],
  ["-ERR [IN-USE] locked", "err"],
  ["-err", "err"],
  ["-ERROR", "other"],
  ["-", "other"],
  ["+", "continue"],
  ["+ ", "continue"],
  ["+ PDE4OTY=", "continue"],
  ["+x", "other"],
  ["", "other"],
  [" +OK", "other"],
  ["Received: from", "other"],
];

Deno.test("statusOf() tells replies from what isn't one", () => {
  for (const [line, status] of statuses) assertEquals(statusOf(encodeUtf8(line)), status, JSON.stringify(line));
});

Deno.test("formatBlock() stuffs lines and ends with the marker", () => {
  assertEquals(
    decodeUtf8(formatBlock(encodeUtf8("+OK here"), ["USER", ".dot", ""])),
    "+OK here\r\nUSER\r\n..dot\r\n\r\n.\r\n",
  );
  assertEquals(decodeUtf8(formatBlock(encodeUtf8("+OK"), [])), "+OK\r\n.\r\n");
});
