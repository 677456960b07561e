import { assert, assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { encodedHeaderValue, HeaderEnd, mailFields, oneLine } from "../../../src/drop/mail_header.ts";

function headerSize(...chunks: Uint8Array[]): number | null {
  const end = new HeaderEnd();
  for (const chunk of chunks) end.push(chunk);
  return end.size;
}

const ENDS: [string, number | null][] = [
  ["", null],
  ["\r\n", 2],
  ["\n", 1],
  ["\r\nbody", 2],
  ["A: b\r\n\r\nbody", 8],
  ["A: b\n\nbody", 6],
  ["A: b\r\n\nbody", 7],
  ["A: b\n\r\nbody", 7],
  ["A: b\r\nC: d\r\n\r\n\r\n", 14],
  ["A: b\r\n", null],
  ["A: b\r\n\r", null],
  ["A: b", null],
  ["A: b\r\n\r\r\n\r\n", 11],
  ["A: b\r\n \r\n\r\n", 11],
  ["A: b\r\rC: d\r\n\r\n", 14],
];

Deno.test("HeaderEnd.push() finds the first empty line, split at every offset", () => {
  for (const [text, size] of ENDS) {
    const bytes = encodeUtf8(text);
    for (let split = 0; split <= bytes.length; split++) {
      assertEquals(
        headerSize(bytes.subarray(0, split), bytes.subarray(split)),
        size,
        `${JSON.stringify(text)} at ${split}`,
      );
    }
    assertEquals(headerSize(...Array.from(bytes, (byte) => new Uint8Array([byte]))), size, JSON.stringify(text));
  }
});

Deno.test("mailFields() takes the first field of each name, unfolded, on one line", () => {
  const cases: [string, string][] = [
    ["Subject: Lunch\r\n", "Lunch"],
    ["subject:Lunch\r\nSubject: Dinner\r\n", "Lunch"],
    ["SUBJECT : Lunch\r\n", "Lunch"],
    ["From: a\r\nSubject: a long\r\n one\r\n\tindeed\r\nTo: b\r\n", "a long one indeed"],
    ["Subject: a long\n one\nTo: b\n", "a long one"],
    ["Subject:\r\n folded\r\n", "folded"],
    ["Subject:\r\nTo: b\r\n", ""],
    ["X-Subject: no\r\nNo-Subject: no\r\n", ""],
    ["Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?="],
    ["Subject: Grüße\r\n", "Grüße"],
    ["Subject: a\rSender: b\x00c\u2028d\r\n", "a Sender: b c d"],
    ["Subject: no line end", "no line end"],
  ];
  for (const [header, subject] of cases) {
    assertEquals(mailFields(encodeUtf8(header)).subject, subject, JSON.stringify(header));
  }
});

Deno.test("mailFields() reads Message-ID and Return-Path", () => {
  const fields = mailFields(encodeUtf8("Return-Path: <a@b.example>\r\nMessage-Id: <1@b.example>\r\n\r\n"));
  assertEquals(fields, { subject: "", messageId: "<1@b.example>", returnPath: "a@b.example" });
  assertEquals(mailFields(encodeUtf8("Return-Path: <>\r\n")).returnPath, "");
  assertEquals(mailFields(new Uint8Array()), { subject: "", messageId: "", returnPath: "" });
});

Deno.test("mailFields() cuts a value that no line would hold, between characters", () => {
  for (const character of ["x", "ü", "漢", "🙂"]) {
    for (let length = 220; length < 1000; length += 97) {
      const { subject } = mailFields(encodeUtf8(`Subject: ${character.repeat(length)}\r\n`));
      assert(encodeUtf8(subject).length <= 903);
      assertEquals(subject.replace(/\.\.\.$/, "").replaceAll(character, ""), "");
    }
  }
});

Deno.test("mailFields() stands octets that aren't UTF-8", () => {
  const bytes = new Uint8Array([...encodeUtf8("Subject: Gr"), 0xfc, 0xdf, 0x65, 0x0d, 0x0a]);
  assertEquals(mailFields(bytes).subject, "Gr\uFFFD\uFFFDe");
});

Deno.test("encodedHeaderValue() leaves ASCII alone and gives encoded words of at most 75 characters otherwise", () => {
  assertEquals(encodedHeaderValue("Lunch at =?utf-8?Q?noon?="), "Lunch at =?utf-8?Q?noon?=");
  for (const text of ["Grüße", "漢".repeat(200), "a🙂".repeat(90)]) {
    const encoded = encodedHeaderValue(text);
    const words = encoded.split("\r\n ");
    let decoded = "";
    for (const word of words) {
      assert(word.length <= 75);
      const base64 = /^=\?utf-8\?B\?([A-Za-z0-9+/=]+)\?=$/.exec(word)?.[1];
      assert(base64 !== undefined, word);
      decoded += decodeUtf8(Uint8Array.fromBase64(base64));
    }
    assertEquals(decoded, text);
  }
});

Deno.test("oneLine() leaves no line ends and no control characters", () => {
  assertEquals(oneLine("a\r\nRecipient: b\x00\x1b[31m\u2029c\x85d"), "a  Recipient: b  [31m c d");
  assertEquals(oneLine("ünïcode 漢"), "ünïcode 漢");
});
