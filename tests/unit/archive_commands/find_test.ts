import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { command as archive } from "../../../src/cli/archive.ts";
import { command as search } from "../../../src/cli/search.ts";
import { command as show } from "../../../src/cli/show.ts";
import { inCommandRoom } from "./command_room.ts";

const INVOICE = [
  "From: Anna Huber <anna@company.example>",
  "To: bert@company.example",
  "Subject: Invoice \u202Eno 7",
  "Date: Tue, 24 Nov 2026 11:55:01 +0100",
  "Message-ID: <7@company.example>",
  "MIME-Version: 1.0",
  'Content-Type: multipart/mixed; boundary="b"',
  "",
  "--b",
  "Content-Type: text/plain; charset=utf-8",
  "",
  "Please pay \u001b[2Jsoon.",
  "--b",
  "Content-Type: application/pdf",
  'Content-Disposition: attachment; filename="invoice.pdf"',
  "Content-Transfer-Encoding: base64",
  "",
  "JVBERi0xLjQK",
  "--b--",
  "",
].join("\r\n");
const DRAFT =
  "From: carl@company.example\r\nSubject: Draft of an invoice\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\n\r\nno\r\n";
const ID = createHash("sha256").update(encodeUtf8(INVOICE)).digest("hex");

function withMails(test: Parameters<typeof inCommandRoom>[0]): Promise<void> {
  return inCommandRoom(async (room) => {
    await room.capture(INVOICE);
    await room.capture(DRAFT);
    await room.run(archive, "--profile", "nightly");
    await test(room);
  });
}

Deno.test("mailtee search shows date, from, to, subject, size and id, newest first", () =>
  withMails(async (room) => {
    const { code, out } = await room.run(search, "invoice");
    assertEquals(code, 0);
    const [head = "", first = "", second = ""] = out.split("\n");
    assertMatch(head, /^date +from +to +subject +size +id$/);
    assertMatch(first, /^2026-11-24 \d\d:\d\d +Anna Huber <anna@comp.* +Invoice +no 7 +\d+ bytes +\+ +[0-9a-f]{12}$/);
    assertStringIncludes(first, ID.slice(0, 12));
    assertStringIncludes(second, "Draft of an invoice");
  }));

Deno.test("mailtee search takes minus words, phrases and keys", () =>
  withMails(async (room) => {
    const ids = async (...words: string[]) => (await room.run(search, ...words, "--json")).json().length;
    assertEquals(await ids("invoice"), 2);
    assertEquals(await ids("invoice", "-draft"), 1);
    assertEquals(await ids("an invoice"), 1);
    assertEquals(await ids("invoice of"), 0);
    assertEquals(await ids("from:carl"), 1);
    assertEquals(await ids("has:attachment"), 1);
    assertEquals(await ids("user:anna"), 2);
    assertEquals(await ids("invoice", "--limit", "1"), 1);
    assertEquals(await ids("invoice", "--by", "rank"), 2);
  }));

Deno.test("mailtee search says that there are more, or none", () =>
  withMails(async (room) => {
    assertEquals((await room.run(search, "invoice", "--limit", "1")).notes, "1 of 2 mails; --limit shows more.\n");
    assertEquals((await room.run(search, "nonesuch")).out, "No mail found.\n");
    await assertRejects(() => room.run(search, "invoice", "--by", "size"), MailteeError, "--by");
    await assertRejects(() => room.run(search, "form:anna"), MailteeError);
  }));

Deno.test("mailtee search --json prints a line for each mail", () =>
  withMails(async (room) => {
    const [first] = (await room.run(search, "subject:invoice", "has:attachment", "--json")).json();
    assertEquals(first, {
      id: ID,
      date: "2026-11-24T10:55:01.000Z",
      from: "Anna Huber <anna@company.example>",
      to: "bert@company.example",
      cc: "",
      subject: Object(first).subject,
      size: encodeUtf8(INVOICE).length,
      messageId: "<7@company.example>",
      attachments: ["invoice.pdf"],
      users: ["anna"],
    });
  }));

Deno.test("mailtee show prints header, text and attachments, and nothing that drives a terminal", () =>
  withMails(async (room) => {
    const { out } = await room.run(show, ID.slice(0, 8));
    for (const part of ["From: Anna Huber", "Subject: Invoice", "Attachment: invoice.pdf  application/pdf, 9 bytes"]) {
      assertStringIncludes(out, part);
    }
    assertStringIncludes(out, "\n\nPlease pay ");
    // deno-lint-ignore no-control-regex
    assertEquals(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(out), false);
  }));

Deno.test("mailtee show --raw gives the exact bytes", () =>
  withMails(async (room) => {
    assertEquals((await room.run(show, ID, "--raw")).bytes, encodeUtf8(INVOICE));
  }));

Deno.test("mailtee show --report and --json tell how the mail came", () =>
  withMails(async (room) => {
    const text = (await room.run(show, ID, "--report")).out;
    assertMatch(text, /^Capture [0-9A-Z]{26}: accepted, /);
    assertStringIncludes(text, "recipient: anna@company.example");
    const [capture] = (await room.run(show, ID, "--report", "--json")).json();
    assertStringIncludes(JSON.stringify(capture), `"mailFrom":"stranger@elsewhere.example"`);
    const [mail] = (await room.run(show, ID, "--json")).json();
    assertStringIncludes(JSON.stringify(mail), `"attachments":[{"name":"invoice.pdf"`);
    await assertRejects(() => room.run(show, ID, "--raw", "--report"), MailteeError, "exclude");
  }));

Deno.test("mailtee show says what is wrong with an ID", () =>
  withMails(async (room) => {
    const code = async (id: string) => (await assertRejects(() => room.run(show, id), MailteeError)).code;
    assertEquals([await code("ffffffff"), await code("12"), await code("invoice")], ["not-found", "usage", "usage"]);
  }));
