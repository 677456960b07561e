import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { extractMessage } from "../../../src/message/extract.ts";

/** A mail of these lines; characters up to U+00FF stand for their octet. */
function mail(...lines: readonly string[]): Uint8Array {
  return Uint8Array.from(lines.join("\r\n"), (character) => character.charCodeAt(0));
}

Deno.test("extractMessage() gives header fields as people read them", async () => {
  const message = await extractMessage(mail(
    "From: =?utf-8?Q?J=C3=BCrgen_M=C3=BCller?= <Juergen@Company.example>",
    'To: "Huber, Anna" <anna@company.example>, Team: c@x.example, d@x.example;',
    "To: e@x.example",
    "Cc: <f@xn--bcher-kva.example>",
    "Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=",
    "  and more",
    "Date: Fri, 21 Nov 97 09:55:06 -0600 (CST)",
    "Message-ID: <1@x.example>",
    "",
    "Text",
  ));
  assertEquals(message, {
    from: "Jürgen Müller <Juergen@Company.example>",
    to: '"Huber, Anna" <anna@company.example>, Team: c@x.example, d@x.example;, e@x.example',
    cc: "f@bücher.example",
    subject: "日本 and more",
    date: Date.UTC(1997, 10, 21, 15, 55, 6),
    messageId: "<1@x.example>",
    text: "Text",
    attachments: [],
    problems: [],
  });
});

Deno.test("extractMessage() gives empty values for what a mail doesn't say", async () => {
  for (const bytes of [mail(), mail("", ""), mail("X-Odd: 1", "", "")]) {
    assertEquals(await extractMessage(bytes), {
      from: "",
      to: "",
      cc: "",
      subject: "",
      date: null,
      messageId: "",
      text: "",
      attachments: [],
      problems: [],
    });
  }
});

Deno.test("extractMessage() gives no date for one that can't be read", async () => {
  assertEquals((await extractMessage(mail("Date: yesterday", "", ""))).date, null);
});

Deno.test("extractMessage() reads undeclared octets that aren't UTF-8 as windows-1252", async () => {
  const latin1 = await extractMessage(mail("From: J\xfcrgen <j@x.example>", "Subject: Fr\xf6sche", "", "Gr\xfc\xdfe"));
  assertEquals([latin1.from, latin1.subject, latin1.text], ["Jürgen <j@x.example>", "Frösche", "Grüße"]);
  const utf8 = await extractMessage(encodeUtf8("From: Jürgen <j@x.example>\r\nSubject: Frösche\r\n\r\nGrüße"));
  assertEquals([utf8.from, utf8.subject, utf8.text], ["Jürgen <j@x.example>", "Frösche", "Grüße"]);
  const ascii = await extractMessage(mail("Content-Type: text/html; charset=us-ascii", "", "<p>Gr\xfc\xdfe</p>"));
  assertEquals(ascii.text, "Grüße");
  const replaced = await extractMessage(encodeUtf8("Subject: a\uFFFDb\r\n\r\nc\uFFFDd"));
  assertEquals(replaced.subject, "a\uFFFDb");
});

Deno.test("extractMessage() takes HTML's text where the plain text is only a note", async () => {
  const html = `<html><style>p { color: red }</style><p>${"A long letter. ".repeat(100)}&Uuml;ber</p></html>`;
  const message = await extractMessage(mail(
    "Content-Type: multipart/alternative; boundary=b",
    "",
    "--b",
    "",
    "Open this in an HTML reader.",
    "--b",
    "Content-Type: text/html",
    "",
    html,
    "--b--",
  ));
  assertStringIncludes(message.text, "Open this");
  assertStringIncludes(message.text, "Über");
  assertEquals(message.text.includes("color"), false);
});

Deno.test("extractMessage() leaves HTML's text out where the plain text says the same", async () => {
  const message = await extractMessage(mail(
    "Content-Type: multipart/alternative; boundary=b",
    "",
    "--b",
    "",
    "A long letter. ".repeat(100),
    "--b",
    "Content-Type: text/html",
    "",
    "<p>html</p>",
    "--b--",
  ));
  assertEquals(message.text.includes("html"), false);
});

Deno.test("extractMessage() reads messages within messages, down to a depth", async () => {
  let inner = "Subject: level 0\r\n\r\nlevel 0 text";
  for (let level = 1; level <= 7; level++) {
    inner = `Subject: level ${level}\r\nContent-Type: message/rfc822\r\n\r\n${inner}`;
  }
  const message = await extractMessage(encodeUtf8(inner));
  assertEquals(message.subject, "level 7");
  assertStringIncludes(message.text, "level 2");
  assertEquals(message.text.includes("level 1"), false);
  assertEquals(message.problems, ["messages nested deeper than 5 levels weren't looked at"]);
  assertStringIncludes((await extractMessage(encodeUtf8(inner), { depth: 9 })).text, "level 0 text");
});

Deno.test("extractMessage() comes to an end where a message within a message is cut off", async () => {
  const message = await extractMessage(mail("Subject: outer", "Content-Type: message/rfc822", "Content-D"));
  assertEquals(message.subject, "outer");
});

Deno.test("extractMessage() gives what it could of a mail that is over a limit", async () => {
  const parts = await extractMessage(
    mail(
      "Subject: parts",
      "Content-Type: multipart/mixed; boundary=b",
      "",
      ...Array.from({ length: 30 }, (_, index) => `--b\r\n\r\ntext ${index}`),
    ),
    { parts: 10 },
  );
  assertEquals(parts.subject, "parts");
  assertStringIncludes(parts.text, "text 1");
  assertStringIncludes(parts.problems.join(), "the parser gave up");

  const header = await extractMessage(mail("Subject: header", `X: ${"x".repeat(5000)}`, "", "text"), {
    headerBytes: 1000,
  });
  assertEquals([header.subject, header.text, header.problems.length], ["header", "text", 1]);

  const text = await extractMessage(encodeUtf8(`\r\n${"ä".repeat(1000)}`), { textBytes: 101 });
  assertEquals([text.text, text.problems.length], ["ä".repeat(50), 1]);

  const body = await extractMessage(mail("Subject: body", "", "words ".repeat(100_000)), { bodyBytes: 200_000 });
  assertEquals([body.subject, body.problems.length], ["body", 1]);
  assertLess(body.text.length, 300_000);
  assertStringIncludes(body.text, "words words");
});

Deno.test("extractMessage() lets attachments flow past, and sees what comes after them", async () => {
  const line = `${"A".repeat(76)}\r\n`;
  async function* large(): AsyncGenerator<Uint8Array> {
    yield mail("Content-Type: multipart/mixed; boundary=b", "", "--b", "", "first", "--b", "");
    yield mail("Content-Type: video/mp4; name=film.mp4", "Content-Transfer-Encoding: base64", "", "");
    for (let count = 0; count < 300; count++) yield encodeUtf8(line.repeat(1000));
    yield mail("--b", "Content-Type: application/pdf; name=bill.pdf", "", "%PDF", "--b", "", "last", "--b--", "");
  }
  const message = await extractMessage(large(), { bodyBytes: 8 * 1024 * 1024 });
  assertEquals(message.problems, []);
  assertEquals(message.text, "first\nlast");
  assertEquals(message.attachments, [
    { name: "film.mp4", contentType: "video/mp4", size: 300 * 1000 * 57 },
    { name: "bill.pdf", contentType: "application/pdf", size: 4 },
  ]);
});

Deno.test("extractMessage() reads long HTML from its start, and says so", async () => {
  const html = "<p>Some words of a newsletter</p>\r\n".repeat(20_000);
  const message = await extractMessage(mail("Content-Type: text/html", "", html));
  assertStringIncludes(message.text, "Some words");
  assertStringIncludes(message.problems.join(), "characters of its HTML were read");
});

Deno.test("extractMessage() says so where HTML is nested too deeply", async () => {
  const message = await extractMessage(mail("Content-Type: text/html", "", `${"<div>".repeat(2000)}text`));
  assertEquals(message.problems, ["its HTML is nested too deeply to be read"]);
});

Deno.test("extractMessage() rejects with what the content throws", async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield mail("Subject: x", "");
    throw new Error("the disk is gone");
  }
  await assertRejects(() => extractMessage(failing()), Error, "the disk is gone");
});
