import { assertEquals } from "@std/assert";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { mboxEntry } from "../../../src/export/mbox.ts";
import { chunked, outgoing } from "./outgoing_mail.ts";

async function entryText(mail: string, cuts: readonly number[] = [], sender = "anna@company.example"): Promise<string> {
  const content = chunked(encodeUtf8(mail), cuts);
  return decodeUtf8(concatBytes(await Array.fromAsync(mboxEntry({ ...outgoing(encodeUtf8(mail)), sender, content }))));
}

const FROM_LINE = "From anna@company.example Tue Nov  3 11:55:01 2026\n";

const CASES: readonly (readonly [what: string, mail: string, inMbox: string])[] = [
  ["CRLF becomes LF", "A: b\r\n\r\ntext\r\n", "A: b\n\ntext\n"],
  ["a last line without end gets one", "A: b\r\n\r\ntext", "A: b\n\ntext\n"],
  ["a last line that ends in CR gets an end", "A: b\r\n\r\ntext\r", "A: b\n\ntext\r\n"],
  ["a From line is quoted", "A: b\r\n\r\nFrom here\r\n", "A: b\n\n>From here\n"],
  ["a quoted From line is quoted once more", "A: b\r\n\r\n>>From here\r\n", "A: b\n\n>>>From here\n"],
  ["a From line in the header is quoted", "From x\r\nA: b\r\n\r\n", ">From x\nA: b\n\n"],
  [
    "From within a line or a word stays",
    "\r\nSay From me\r\nFrom:x\r\nFromage \r\nFro\r\nFrom",
    "\nSay From me\nFrom:x\nFromage \nFro\nFrom\n",
  ],
  ["bare CR and bare LF stay, a From after LF is quoted", "a\rFrom b\nFrom c\r\r\n", "a\rFrom b\n>From c\r\n"],
  ["quotes at the end", "\r\n>>", "\n>>\n"],
  ["an empty mail", "", ""],
];

for (const [what, mail, inMbox] of CASES) {
  Deno.test(`mboxEntry() ${what}, wherever the stream is cut`, async () => {
    const expected = `${FROM_LINE}${inMbox}\n`;
    assertEquals(await entryText(mail), expected);
    for (let cut = 1; cut < mail.length; cut++) assertEquals(await entryText(mail, [cut]), expected, `cut at ${cut}`);
    assertEquals(await entryText(mail, Array.from({ length: mail.length }, (_, index) => index)), expected);
  });
}

Deno.test("mboxEntry() names MAILER-DAEMON for the null reverse-path and keeps the line's fields apart", async () => {
  assertEquals((await entryText("", [], "")).split(" ")[1], "MAILER-DAEMON");
  assertEquals((await entryText("", [], '"a b\n"@c.example')).split(" ")[1], '"a_b_"@c.example');
});
