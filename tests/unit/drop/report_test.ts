import { assert, assertEquals, assertThrows } from "@std/assert";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import type { SealedReport } from "../../../src/drop/capture.ts";
import {
  reportStart,
  type SettledEnd,
  SETTLEMENT_BYTES,
  settlementRegion,
  settlementText,
  unknownEnd,
} from "../../../src/drop/report.ts";
import { parseReport } from "../../../src/drop/report_schema.ts";
import type { CaptureStart } from "../../../src/drop/types.ts";
import { pop3Start, smtpStart } from "./samples.ts";

const ACCEPTED: SettledEnd = { outcome: "accepted", finished: "2026-11-24T11:55:02.000Z", reply: "250 2.0.0 Ok" };

function sealed(start: CaptureStart): SealedReport {
  return {
    version: 1,
    id: "01M86PHJM3ZZZZZZZZZZZZZZZZ",
    proxy: start.proxy,
    client: start.client,
    target: start.target,
    started: "2026-11-24T11:55:01.123Z",
    mail: { size: 100, sha256: "0".repeat(64), headerSize: 40 },
    ...(start.smtp === undefined ? { pop3: start.pop3 } : { smtp: { ...start.smtp, reply: null } }),
  };
}

function reportJson(start: CaptureStart, end: SettledEnd): string {
  return reportStart(sealed(start)) + settlementText(end);
}

function parse(text: string) {
  return parseReport(encodeUtf8(text));
}

Deno.test("reportStart() and settlementText() make JSON that parseReport() reads back, unsettled and settled", () => {
  const { smtp, ...rest } = sealed(smtpStart());
  assert(smtp !== undefined);
  assertEquals(parse(reportJson(smtpStart(), unknownEnd("smtp"))), {
    ...rest,
    smtp: { ...smtp, reply: null },
    outcome: "unknown",
    finished: null,
  });
  const { reply, ...end } = ACCEPTED;
  assertEquals(parse(reportJson(smtpStart(), ACCEPTED)), { ...rest, smtp: { ...smtp, reply: reply ?? null }, ...end });
  const retrieved: SettledEnd = { outcome: "retrieved", finished: "2026-11-24T11:55:02.000Z" };
  assertEquals(parse(reportJson(pop3Start(), retrieved)), {
    ...sealed(pop3Start()),
    outcome: "retrieved",
    finished: "2026-11-24T11:55:02.000Z",
  });
});

Deno.test("reportStart() keeps addresses, parameters and replies exactly, and every line harmless", () => {
  const odd = [
    `"a b\\"c"@x.example`,
    "ünï@cödé.example",
    "x\r\n--boundary\r\n\r\n@y",
    "\u0000\u0007\u001b[2J\u2028\u2029\u0085",
    `"}], "outcome": "accepted"`,
    "🙂".repeat(50),
    "",
  ];
  const start = smtpStart({
    mailFrom: odd[2] ?? "",
    params: odd,
    recipients: odd.map((address) => ({ address, params: odd, reply: `250 ${address}` })),
    rejectedRecipients: odd.map((address) => ({ address, params: [], reply: address })),
  });
  const text = reportJson(start, { ...ACCEPTED, reply: "250-one\n250 two" });
  for (const line of text.split("\r\n")) {
    assertEquals(/^(?: *[[\]{}"]|$)/.test(line), true, line);
    // deno-lint-ignore no-control-regex -- what mustn't be there
    assertEquals(/[\x00-\x1f]/.test(line), false, line);
  }
  const report = parse(text);
  assertEquals(report.smtp, { ...start.smtp, reply: "250-one\n250 two" });
});

Deno.test("reportStart() writes no member that isn't of the report", () => {
  const start = smtpStart();
  const extended = { ...sealed(start), client: { ...start.client, password: "secret" }, secret: "secret" };
  assertEquals(reportStart(extended).includes("secret"), false);
});

Deno.test("settlementRegion() fills 512 bytes, and is null where the text is longer", () => {
  const room = SETTLEMENT_BYTES - settlementText({ ...ACCEPTED, reply: "" }).length;
  for (let length = room - 3; length <= room + 3; length++) {
    const region = settlementRegion({ ...ACCEPTED, reply: "x".repeat(length) });
    assertEquals(region?.length, length <= room ? SETTLEMENT_BYTES : undefined, `${length}`);
  }
  assertEquals(settlementRegion({ ...ACCEPTED, reply: "ü".repeat(room / 2 + 1) }), null);
  assertEquals(settlementRegion({ ...ACCEPTED, reply: "\n".repeat(room / 2 + 1) }), null);
});

Deno.test("parseReport() gives a report as it was sealed where the settlement region is torn", () => {
  for (const start of [smtpStart(), pop3Start()]) {
    const kind = start.smtp === undefined ? "pop3" : "smtp";
    const before = encodeUtf8(reportStart(sealed(start)));
    const unsettled = settlementRegion(unknownEnd(kind));
    const settled = settlementRegion(
      kind === "smtp" ? ACCEPTED : { outcome: "retrieved", finished: "2026-11-24T11:55:02.000Z" },
    );
    assert(unsettled !== null && settled !== null);
    const expected = parseReport(concatBytes([before, unsettled]));
    for (let tear = 1; tear < SETTLEMENT_BYTES; tear += 5) {
      const torn = concatBytes([before, settled.subarray(0, tear), unsettled.subarray(tear)]);
      const { outcome, ...rest } = parseReport(torn);
      if (outcome === "unknown") assertEquals({ outcome, ...rest }, expected);
    }
    assertEquals(parseReport(concatBytes([before, new Uint8Array(SETTLEMENT_BYTES)])), expected);
    assertEquals(parseReport(concatBytes([before, new Uint8Array(SETTLEMENT_BYTES).fill(0xff)])), expected);
  }
});

Deno.test("parseReport() lets unknown members pass, for later versions", () => {
  const text = reportJson(smtpStart(), ACCEPTED).replace(`"version": 1,`, `"version": 1, "note": { "x": 1 },`);
  assertEquals(parse(text).outcome, "accepted");
});

Deno.test("parseReport() says what is wrong and where", () => {
  const whole = reportJson(smtpStart(), ACCEPTED);
  const cases: [string, string, string, string][] = [
    [`"version": 1`, `"version": 2`, "malformed", "version 2"],
    [`"version": 1`, `"version": "1"`, "malformed", "at version"],
    [`"id": "01`, `"id": "x1`, "malformed", "at id"],
    [`"size": 100`, `"size": -1`, "malformed", "at mail.size"],
    [`"size": 100`, `"size": 1e300`, "malformed", "at mail.size"],
    [`"size": 100`, `"size": 10`, "malformed", "headerSize"],
    [`"sha256": "00`, `"sha256": "zz`, "malformed", "at mail.sha256"],
    [`"started": "2026`, `"started": "soon`, "malformed", "at started"],
    [`"outcome": "accepted"`, `"outcome": "lost"`, "malformed", "at outcome"],
    [`"smtp": {`, `"lmtp": {`, "malformed", "one of smtp and pop3"],
    [`"kind": "smtp"`, `"kind": "imap"`, "malformed", "at proxy.kind"],
    [`"reply": "250 2.1.5 Ok"`, `"reply": null`, "malformed", "at smtp.recipients.0.reply"],
    [`"version": 1,`, `"version": 1`, "damaged", "isn't JSON"],
  ];
  for (const [from, to, code, words] of cases) {
    assert(whole.includes(from), from);
    const error = assertThrows(() => parse(whole.replace(from, to)), MailteeError, words, to);
    assertEquals(error.code, code, to);
  }
  for (const text of ["", "null", "[]", "7", `{"version":1}`]) assertThrows(() => parse(text), MailteeError);
});

Deno.test("settlementRegion() is text to its last byte", () => {
  const region = settlementRegion(unknownEnd("smtp"));
  assert(region !== null);
  assertEquals(decodeUtf8(region).trimEnd(), settlementText(unknownEnd("smtp")));
});
