import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import {
  buildPreamble,
  buildTail,
  createBoundary,
  parsePreamble,
  parseTail,
  type SealedReport,
} from "../../../src/drop/capture.ts";
import { mailFields } from "../../../src/drop/mail_header.ts";
import type { CaptureStart } from "../../../src/drop/types.ts";
import { pop3Start, smtpStart } from "./samples.ts";

const ID = "01M86PHJM3ZZZZZZZZZZZZZZZZ";
const BOUNDARY = "mailtee_00112233445566778899aabbccddeeff";

function preambleBytes(start: CaptureStart, mail: string): Uint8Array<ArrayBuffer> {
  const facts = {
    id: ID,
    boundary: BOUNDARY,
    hostName: "gate.example",
    started: new Date(Date.UTC(2026, 10, 4, 9)),
    start,
  };
  return buildPreamble(facts, mailFields(encodeUtf8(mail)));
}

function preamble(start: CaptureStart, mail = "Subject: Lunch\r\nMessage-ID: <1@x>\r\n\r\n"): string {
  return decodeUtf8(preambleBytes(start, mail));
}

function sealed(start: CaptureStart, size: number): SealedReport {
  const mail = { size, sha256: "0".repeat(64), headerSize: 0 };
  const { proxy, client, target } = start;
  const protocol = start.smtp === undefined ? { pop3: start.pop3 } : { smtp: { ...start.smtp, reply: null } };
  return { version: 1, id: ID, proxy, client, target, started: "2026-11-04T09:00:00.000Z", mail, ...protocol };
}

Deno.test("buildPreamble() makes a journal report's header and its first part", () => {
  assertEquals(
    preamble(smtpStart()),
    [
      "From: mailtee <mailtee@gate.example>",
      "To: mailtee <mailtee@gate.example>",
      "Date: Wed, 04 Nov 2026 09:00:00 +0000",
      "Subject: Lunch",
      `Message-ID: <${ID}@gate.example>`,
      "MIME-Version: 1.0",
      "X-MS-Journal-Report:",
      "X-Mailtee-Capture: 1",
      `Content-Type: multipart/mixed; boundary="${BOUNDARY}"`,
      "Content-Transfer-Encoding: 8bit",
      "",
      `--${BOUNDARY}`,
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: 8bit",
      "",
      "Sender: anna@company.example",
      "Subject: Lunch",
      "Message-ID: <1@x>",
      "Recipient: bob@other.example",
      "",
      `--${BOUNDARY}`,
      "Content-Type: message/rfc822",
      "Content-Transfer-Encoding: 8bit",
      "",
      "",
    ].join("\r\n"),
  );
});

Deno.test("buildPreamble() names every accepted recipient and no rejected one", () => {
  const recipients = ["a@x", "B@X", "ü@x"].map((address) => ({ address, params: [], reply: "250 Ok" }));
  const text = preamble(smtpStart({ recipients }));
  assertEquals(text.match(/^Recipient: .*$/gm), ["Recipient: a@x", "Recipient: B@X", "Recipient: ü@x"]);
  assertEquals(text.includes("nobody@other.example"), false);
});

Deno.test("buildPreamble() has words for the null reverse-path and for POP3", () => {
  assertStringIncludes(preamble(smtpStart({ mailFrom: "" })), "\r\nSender: <>\r\n");
  const pop3 = preamble(pop3Start(), "Return-Path: <carol@other.example>\r\n\r\n");
  assertStringIncludes(pop3, "\r\nSender: carol@other.example\r\n");
  assertStringIncludes(pop3, "\r\nRecipient: m12345-1\r\n");
  assertStringIncludes(preamble(pop3Start({ user: null })), "\r\nRecipient: \r\n");
});

Deno.test("buildPreamble() declares binary where the sender did", () => {
  assertEquals(preamble(smtpStart({ params: ["body=binarymime"] })).match(/binary$|binary\r/g)?.length, 2);
});

Deno.test("buildPreamble() encodes a subject outside ASCII in its header and leaves it in its first part", () => {
  const text = preamble(smtpStart(), "Subject: Grüße\r\n\r\n");
  assertEquals(text.match(/^Subject: .*$/gm), ["Subject: =?utf-8?B?R3LDvMOfZQ==?=", "Subject: Grüße"]);
});

Deno.test("buildPreamble() lets nothing from the wire begin a line of its own", () => {
  const evil = `x\r\nRecipient: evil@x\r\n\r\n--${BOUNDARY}\r\nContent-Type: text/html\n\r\u2028evil`;
  const address = (value: string) => ({ address: value, params: [], reply: "250" });
  const starts: CaptureStart[] = [
    smtpStart({ mailFrom: evil, recipients: [address(evil)] }),
    pop3Start({ user: evil }),
  ];
  for (const start of starts) {
    for (const field of ["Subject", "Message-ID", "Return-Path"]) {
      const text = preamble(start, `${field}: a\r\n b\rEvil: x\r\n --${BOUNDARY}\r\n\r\n`);
      assertEquals(text.match(new RegExp(`^--${BOUNDARY}`, "gm"))?.length, 2);
      assertEquals(/^(?:evil|content-type: text\/html)/im.test(text), false, text);
      assertEquals(text.match(/^Recipient:/gm)?.length, 1);
      assertEquals(text.split("\r\n").join("").match(/[\r\n]/), null);
      assertEquals(parsePreamble(encodeUtf8(text)).kind, "preamble");
    }
  }
});

Deno.test("buildPreamble() refuses an envelope that nobody would read back", () => {
  const recipients = Array.from({ length: 5000 }, () => ({ address: "x".repeat(4000), params: [], reply: "250" }));
  const error = assertThrows(() => preamble(smtpStart({ recipients })), MailteeError, "more than");
  assertEquals(error.code, "limit");
});

Deno.test("createBoundary() never gives the same twice and fits a header", () => {
  const boundaries = Array.from({ length: 100 }, createBoundary);
  assertEquals(new Set(boundaries).size, 100);
  for (const boundary of boundaries) assert(/^mailtee_[0-9a-f]{32}$/.test(boundary));
});

Deno.test("parsePreamble() needs the whole preamble, and finds where the mail begins", () => {
  const bytes = preambleBytes(smtpStart(), "Subject: x\r\n\r\n");
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(parsePreamble(bytes.subarray(0, length)).kind, "incomplete", `${length}`);
  }
  const mail = encodeUtf8(`Subject: x\r\n\r\n--${BOUNDARY}x\r\n\r\n`);
  for (let length = 0; length <= mail.length; length++) {
    assertEquals(parsePreamble(concatBytes([bytes, mail.subarray(0, length)])), {
      kind: "preamble",
      boundary: BOUNDARY,
      mailOffset: bytes.length,
    });
  }
});

Deno.test("parsePreamble() says why a file isn't a capture", () => {
  const whole = preamble(smtpStart());
  const cases: [string, string][] = [
    ["Subject: a mail\r\n\r\nbody", "no X-Mailtee-Capture"],
    ["Subject: a mail\r\n\r\nX-Mailtee-Capture: 1\r\n\r\n", "no X-Mailtee-Capture"],
    ["x".repeat(20000), "doesn't begin"],
    [whole.replace("Capture: 1", "Capture: 2"), "format 2"],
    [whole.replaceAll("\r\n", "\n"), "line ends"],
    [whole.replace("multipart/mixed", "multipart/alternative"), "no boundary"],
    [whole.replace(/boundary="[^"]*"/, `boundary="a"`), "no boundary"],
    [whole.replace("\r\n\r\n", "\r\n\r\npreamble\r\n"), "first part"],
    [whole.replace("message/rfc822", "text/plain"), "second part"],
  ];
  for (const [text, reason] of cases) {
    const parsed = parsePreamble(encodeUtf8(text));
    assert(parsed.kind === "other", text.slice(0, 40));
    assertStringIncludes(parsed.reason, reason);
  }
});

Deno.test("buildTail() puts the settlement region into one sector, wherever the tail begins", () => {
  for (let offset = 1000; offset < 1600; offset += 7) {
    const { bytes, settlementOffset } = buildTail(sealed(smtpStart(), 10), BOUNDARY, offset, null);
    assertEquals(settlementOffset % 512, 0);
    const region = decodeUtf8(bytes.subarray(settlementOffset - offset, settlementOffset - offset + 512));
    assertEquals(region.trim(), `"reply": null\r\n  },\r\n  "outcome": "unknown",\r\n  "finished": null\r\n}`);
    const parsed = parseTail(concatBytes([new Uint8Array(offset), bytes]), BOUNDARY);
    assert(parsed.kind === "tail");
    assertEquals(parsed.length, bytes.length);
    assertEquals(parsed.report.outcome, "unknown");
  }
});

Deno.test("parseTail() wants more bytes until it has them all, and refuses what is cut off at its end", () => {
  const { bytes } = buildTail(sealed(pop3Start(), 10), BOUNDARY, 700, null);
  for (let from = 1; from < bytes.length - BOUNDARY.length - 8; from++) {
    assertEquals(parseTail(bytes.subarray(from), BOUNDARY).kind, "incomplete", `${from}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(assertThrows(() => parseTail(bytes.subarray(0, length), BOUNDARY), MailteeError).code, "damaged");
  }
});

Deno.test("parseTail() isn't misled by boundaries of others", () => {
  const other = BOUNDARY.replace("00", "01");
  const mail = encodeUtf8(`\r\n--${other}\r\n\r\n{}\r\n--${other}--\r\n\r\n--${BOUNDARY}x\r\n`);
  const { bytes } = buildTail(sealed(smtpStart(), mail.length), BOUNDARY, mail.length, null);
  const parsed = parseTail(concatBytes([mail, bytes]), BOUNDARY);
  assertEquals(parsed.kind === "tail" && parsed.length, bytes.length);
});
