import { assert, assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import {
  defaultReplyLimits,
  formatReply,
  formatReplyLines,
  isPositive,
  replyLines,
  replyText,
  takeReply,
} from "../../../src/smtp/reply.ts";

function taken(text: string) {
  const scan = takeReply(encodeUtf8(text));
  return scan.kind === "reply"
    ? { code: scan.reply.code, text: decodeUtf8(scan.reply.bytes), consumed: scan.consumed }
    : scan.kind;
}

const table: readonly [text: string, expected: ReturnType<typeof taken>][] = [
  ["250 2.0.0 Ok\r\n", { code: 250, text: "250 2.0.0 Ok\r\n", consumed: 14 }],
  ["250 Ok\r\n354 go\r\n", { code: 250, text: "250 Ok\r\n", consumed: 8 }],
  ["250-a\r\n250-b\r\n250 c\r\n", { code: 250, text: "250-a\r\n250-b\r\n250 c\r\n", consumed: 21 }],
  ["250\r\n", { code: 250, text: "250\r\n", consumed: 5 }],
  ["250-\r\n250\r\n", { code: 250, text: "250-\r\n250\r\n", consumed: 11 }],
  ["250 lf only\n", { code: 250, text: "250 lf only\r\n", consumed: 12 }],
  ["250-a\n250 b\r\n", { code: 250, text: "250-a\r\n250 b\r\n", consumed: 13 }],
  ["250\n", { code: 250, text: "250\r\n", consumed: 4 }],
  ["250\tOk\r\n", { code: 250, text: "250\tOk\r\n", consumed: 8 }],
  ["250-a\r\n550 b\r\n", { code: 550, text: "250-a\r\n550 b\r\n", consumed: 14 }],
  ["", "more"],
  ["2", "more"],
  ["250", "more"],
  ["250 Ok\r", "more"],
  ["250-a\r\n", "more"],
  ["250-a\r\n25", "more"],
  ["\r\n", "malformed"],
  ["Hello\r\n", "malformed"],
  ["x", "malformed"],
  ["25\r\n", "malformed"],
  ["2500 x\r\n", "malformed"],
  ["150 x\r\n", "malformed"],
  ["650 x\r\n", "malformed"],
  ["250x\r\n", "malformed"],
  ["250-a\r\nb\r\n", "malformed"],
  [" 250 a\r\n", "malformed"],
];

for (const [text, expected] of table) {
  Deno.test(`takeReply() of ${JSON.stringify(text)}`, () => assertEquals(taken(text), expected));
}

Deno.test("takeReply() waits at every offset before the end, and gives the same at the end", () => {
  const text = "250-mail.example\r\n250-SIZE 1000\r\n250 HELP\r\n";
  for (let end = 0; end < text.length; end++) assertEquals(taken(text.slice(0, end)), "more", `at ${end}`);
  assertEquals(taken(text), { code: 250, text, consumed: text.length });
});

Deno.test("takeReply() gives up on a line or a reply that is too long", () => {
  const { maxLineBytes, maxLines } = defaultReplyLimits;
  assertEquals(taken(`250 ${"x".repeat(maxLineBytes)}`), "malformed");
  assertEquals(taken("250-x\r\n".repeat(maxLines + 1)), "malformed");
  assertEquals(taken("250-x\r\n".repeat(maxLines - 1) + "250 x\r\n"), {
    code: 250,
    text: "250-x\r\n".repeat(maxLines - 1) + "250 x\r\n",
    consumed: maxLines * 7,
  });
});

Deno.test("takeReply() gives the buffer's own bytes where nothing has to change", () => {
  const buffer = encodeUtf8("250 Ok\r\nrest");
  const scan = takeReply(buffer);
  assert(scan.kind === "reply");
  assertEquals(scan.reply.bytes.buffer, buffer.buffer);
});

Deno.test("formatReply() and formatReplyLines() write what takeReply() reads", () => {
  assertEquals(decodeUtf8(formatReply(452, "4.5.3", "Too many").bytes), "452 4.5.3 Too many\r\n");
  assertEquals(decodeUtf8(formatReply(250, "", "mail.example").bytes), "250 mail.example\r\n");
  const reply = formatReplyLines(250, ["mail.example", "SIZE 5"]);
  assertEquals(decodeUtf8(reply.bytes), "250-mail.example\r\n250 SIZE 5\r\n");
  assertEquals(replyLines(reply), ["mail.example", "SIZE 5"]);
  assertEquals(replyText(reply), "250-mail.example\n250 SIZE 5");
});

Deno.test("isPositive() is 2xx alone", () => {
  assertEquals([200, 250, 299, 334, 354, 421, 550].map((code) => isPositive(formatReply(code, "", "x"))), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
