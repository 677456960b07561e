/** docs/drop-folder.md shows what the program really writes. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { buildPreamble, buildTail, type SealedReport } from "../../../src/drop/capture.ts";
import { captureName } from "../../../src/drop/folder.ts";
import { mailFields } from "../../../src/drop/mail_header.ts";
import type { CaptureStart } from "../../../src/drop/types.ts";

const DOCS = new URL("../../../docs/drop-folder.md", import.meta.url);
const ID = "01M86PHJM35V8M6R0N2E7QJ4XC";
const BOUNDARY = "mailtee_5d741be2962a5ef3c03560940492cfc1";
const STARTED = new Date(Date.UTC(2026, 10, 24, 11, 55, 1, 123));

const MAIL = [
  "From: Anna <anna@company.example>",
  "To: Bob <bob@other.example>",
  "Subject: Lunch",
  "Message-ID: <7f3a@company.example>",
  "",
  "At noon?",
  "",
].join("\r\n");

const START: CaptureStart = {
  proxy: { name: "SMTP Proxy Server", kind: "smtp", listen: "0.0.0.0:25" },
  client: {
    address: "192.168.0.7",
    port: 50123,
    helo: "pc7.company.example",
    tls: { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" },
    authenticatedAs: null,
  },
  target: {
    host: "smtp.provider.example",
    address: "192.0.2.25",
    port: 465,
    tls: { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" },
  },
  smtp: {
    mailFrom: "anna@company.example",
    params: ["BODY=8BITMIME"],
    recipients: [{ address: "bob@other.example", params: [], reply: "250 2.1.5 Ok" }],
    rejectedRecipients: [{ address: "nobody@other.example", params: [], reply: "550 5.1.1 User unknown" }],
  },
};

function sealedReport(): SealedReport & { smtp: object } {
  const sha256 = createHash("sha256").update(MAIL).digest("hex");
  const mail = { size: MAIL.length, sha256, headerSize: MAIL.indexOf("\r\n\r\n") + 4 };
  const { proxy, client, target, smtp } = START;
  if (smtp === undefined) throw new Error("the example is of SMTP");
  return {
    version: 1,
    id: ID,
    proxy,
    client,
    target,
    started: STARTED.toISOString(),
    mail,
    smtp: { ...smtp, reply: "250 2.0.0 Ok: queued as 4F3C" },
  };
}

function exampleFile(): string {
  const facts = { id: ID, boundary: BOUNDARY, hostName: "gate.company.example", started: STARTED, start: START };
  const preamble = buildPreamble(facts, mailFields(encodeUtf8(MAIL)));
  const tail = buildTail(sealedReport(), BOUNDARY, preamble.length + MAIL.length, {
    outcome: "accepted",
    finished: "2026-11-24T11:55:01.460Z",
    reply: "250 2.0.0 Ok: queued as 4F3C",
  });
  const decoder = new TextDecoder();
  return decoder.decode(preamble) + MAIL + decoder.decode(tail.bytes);
}

/** Every member's path: `smtp.recipients[].address`. */
function memberPaths(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => memberPaths(item, `${path}[]`));
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([name, member]) => memberPaths(member, path === "" ? name : `${path}.${name}`));
}

Deno.test("docs/drop-folder.md shows a whole capture as it is written", () => {
  const example = /```eml\n([^]*?)```/.exec(Deno.readTextFileSync(DOCS))?.[1];
  const written = exampleFile().replaceAll("\r\n", "\n").replaceAll(/ +$/gm, "");
  assertEquals(example, written);
  assertStringIncludes(Deno.readTextFileSync(DOCS), captureName(ID));
});

Deno.test("docs/drop-folder.md explains every member of a report", () => {
  const text = Deno.readTextFileSync(DOCS);
  const pop3 = { user: "m12345-1", uidl: "0000a1", messageNumber: 3 };
  const report = { ...sealedReport(), pop3, outcome: "accepted", finished: null };
  for (const path of memberPaths(report)) {
    const shown = path.replace("rejectedRecipients[].", "recipients[].").replace(/params\[\]$/, "params");
    assertStringIncludes(text, `\`${shown}\``);
  }
});
