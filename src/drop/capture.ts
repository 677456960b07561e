/**
 * The file format of a capture: a journal report ([MS-XJRNL]) with three parts. What stands before the mail's octets
 * (the preamble) and what stands after them (the tail) is built and read here; the octets themselves pass by.
 */

import { concatBytes, decodeLatin1, encodeUtf8 } from "../base/bytes.ts";
import { MailteeError } from "../base/errors.ts";
import { encodedHeaderValue, type MailFields, oneLine } from "./mail_header.ts";
import {
  reportStart,
  type SettledEnd,
  SETTLEMENT_BYTES,
  settlementRegion,
  settlementText,
  unknownEnd,
} from "./report.ts";
import { parseReport } from "./report_schema.ts";
import type { CaptureStart, TransmissionReport } from "./types.ts";

/** Limits beyond which nobody reads on, and beyond which nothing is written. */
export const MAX_PREAMBLE_BYTES = 16 * 1024 * 1024;
export const MAX_TAIL_BYTES = 64 * 1024 * 1024;

const CRLF = "\r\n";

/** A boundary that no mail holds, since nobody can know it beforehand: 128 random bits. */
export function createBoundary(): string {
  return `mailtee_${crypto.getRandomValues(new Uint8Array(16)).toHex()}`;
}

/** What the preamble tells, besides the mail's own fields. */
export interface PreambleFacts {
  readonly id: string;
  readonly boundary: string;
  /** Host part of the outer header's addresses and Message-ID. */
  readonly hostName: string;
  readonly started: Date;
  readonly start: CaptureStart;
}

/** All that precedes the mail: outer header, part 1, header of part 2. Throws MailteeError "limit" where it's too long. */
export function buildPreamble(facts: PreambleFacts, fields: MailFields): Uint8Array<ArrayBuffer> {
  const { id, boundary, hostName, started, start } = facts;
  const encoding = start.smtp?.params.some((param) => /^BODY=BINARYMIME$/i.test(param)) ? "binary" : "8bit";
  const lines = [
    `From: mailtee <mailtee@${hostName}>`,
    `To: mailtee <mailtee@${hostName}>`,
    `Date: ${started.toUTCString().replace("GMT", "+0000")}`,
    `Subject: ${encodedHeaderValue(fields.subject)}`,
    `Message-ID: <${id}@${hostName}>`,
    "MIME-Version: 1.0",
    "X-MS-Journal-Report:",
    "X-Mailtee-Capture: 1",
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    `Content-Transfer-Encoding: ${encoding}`,
    "",
    `--${boundary}`,
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    ...envelopeLines(start, fields),
    "",
    `--${boundary}`,
    "Content-Type: message/rfc822",
    `Content-Transfer-Encoding: ${encoding}`,
    "",
    "",
  ];
  return bounded(encodeUtf8(lines.join(CRLF)), MAX_PREAMBLE_BYTES, "envelope");
}

/** Part 1, one line a fact; nothing from the wire can begin a line of its own. */
function envelopeLines(start: CaptureStart, fields: MailFields): string[] {
  const sender = start.smtp === undefined ? fields.returnPath : start.smtp.mailFrom === "" ? "<>" : start.smtp.mailFrom;
  const recipients = start.smtp === undefined
    ? [start.pop3.user ?? ""]
    : start.smtp.recipients.map((recipient) => recipient.address);
  return [
    `Sender: ${oneLine(sender)}`,
    `Subject: ${fields.subject}`,
    `Message-ID: ${fields.messageId}`,
    ...recipients.map((recipient) => `Recipient: ${oneLine(recipient)}`),
  ];
}

export interface Tail {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where in the file the settlement region begins, a multiple of 512. */
  readonly settlementOffset: number;
}

/** What is known of a capture when it is sealed. */
export type SealedReport = Omit<TransmissionReport, "outcome" | "finished">;

/**
 * All that follows the mail: part 3 and the closing delimiter.
 *
 * `offset` is where the tail begins in the file. `end` is how the transmission ended; null while nobody knows, and then
 * the tail can be settled in place. Throws MailteeError "limit" where it's too long.
 */
export function buildTail(report: SealedReport, boundary: string, offset: number, end: SettledEnd | null): Tail {
  const head = encodeUtf8([
    "",
    `--${boundary}`,
    `Content-Type: application/json; name="report.json"`,
    `Content-Disposition: attachment; filename="report.json"`,
    "Content-Transfer-Encoding: 8bit",
    "",
    reportStart(report),
  ].join(CRLF));
  const settlementOffset = Math.ceil((offset + head.length) / SETTLEMENT_BYTES) * SETTLEMENT_BYTES;
  const padding = new Uint8Array(settlementOffset - offset - head.length).fill(0x20);
  const settled = end ?? unknownEnd(report.smtp === undefined ? "pop3" : "smtp");
  const region = settlementRegion(settled) ?? encodeUtf8(settlementText(settled));
  const bytes = concatBytes([head, padding, region, encodeUtf8(closingDelimiter(boundary))]);
  return { bytes: bounded(bytes, MAX_TAIL_BYTES, "report"), settlementOffset };
}

function closingDelimiter(boundary: string): string {
  return `${CRLF}--${boundary}--${CRLF}`;
}

function bounded(bytes: Uint8Array<ArrayBuffer>, max: number, what: string): Uint8Array<ArrayBuffer> {
  if (bytes.length <= max) return bytes;
  throw new MailteeError("limit", `the capture's ${what} takes ${bytes.length} bytes, more than ${max}`, {
    hint: "Lower the limit of recipients per mail.",
  });
}

/**
 * What the start of a file tells: a capture with this boundary, a file to be read further or cut off, another file.
 * `begun`: what there is bears the mark of a capture.
 */
export type ParsedPreamble =
  | { readonly kind: "preamble"; readonly boundary: string; readonly mailOffset: number }
  | { readonly kind: "incomplete"; readonly begun: boolean }
  | { readonly kind: "other"; readonly reason: string };

const OUTER_HEADER_MAX_BYTES = 16 * 1024;
const FORMAT_FIELD = /^X-Mailtee-Capture: *(\d+)$/im;
export const NO_CAPTURE = "it doesn't begin with the header of a capture";

/** Reads a preamble at the start of `bytes`, which may hold more than it. */
export function parsePreamble(bytes: Uint8Array): ParsedPreamble {
  const text = decodeLatin1(bytes);
  const headerEnd = text.indexOf(CRLF + CRLF);
  if (headerEnd < 0) {
    const begun = FORMAT_FIELD.test(text);
    if (begun && text.includes("\n\n")) return { kind: "other", reason: "its line ends were changed from CRLF to LF" };
    return text.length < OUTER_HEADER_MAX_BYTES ? { kind: "incomplete", begun } : { kind: "other", reason: NO_CAPTURE };
  }
  const header = text.slice(0, headerEnd);
  const format = FORMAT_FIELD.exec(header)?.[1];
  if (format === undefined) return { kind: "other", reason: "it has no X-Mailtee-Capture field" };
  if (format !== "1") return { kind: "other", reason: `it is in format ${format}, this program reads format 1` };
  const boundary = /^Content-Type: multipart\/mixed; boundary="([\w.=-]{16,70})"$/im.exec(header)?.[1];
  if (boundary === undefined) return { kind: "other", reason: "its header has no boundary" };
  const delimiter = `${CRLF}--${boundary}${CRLF}`;
  const part1 = headerEnd + CRLF.length;
  if (text.length < part1 + delimiter.length) return { kind: "incomplete", begun: true };
  if (!text.startsWith(delimiter, part1)) return { kind: "other", reason: "its first part is missing" };
  const part2 = text.indexOf(delimiter, part1 + delimiter.length);
  if (part2 < 0) return { kind: "incomplete", begun: true };
  const partHeaderEnd = text.indexOf(CRLF + CRLF, part2 + delimiter.length);
  if (partHeaderEnd < 0) return { kind: "incomplete", begun: true };
  if (!/^Content-Type: message\/rfc822$/im.test(text.slice(part2, partHeaderEnd))) {
    return { kind: "other", reason: "its second part isn't a mail" };
  }
  return { kind: "preamble", boundary, mailOffset: partHeaderEnd + 2 * CRLF.length };
}

/** What the end of a file tells: the report and where the tail begins, or that one has to look at more bytes. */
export type ParsedTail =
  | { readonly kind: "tail"; readonly report: TransmissionReport; readonly length: number }
  | { readonly kind: "incomplete" };

/**
 * Reads a tail at the end of `bytes`, which may hold more before it.
 * Throws MailteeError "damaged" where the file isn't whole, "malformed" where its report isn't one.
 */
export function parseTail(bytes: Uint8Array, boundary: string): ParsedTail {
  const text = decodeLatin1(bytes);
  const closing = closingDelimiter(boundary);
  if (!text.endsWith(closing)) throw new MailteeError("damaged", "it is cut off: its last line is missing");
  const begin = text.lastIndexOf(`${CRLF}--${boundary}${CRLF}`);
  if (begin < 0) return { kind: "incomplete" };
  const headerEnd = text.indexOf(CRLF + CRLF, begin + CRLF.length);
  const jsonEnd = text.length - closing.length;
  if (headerEnd < 0 || headerEnd > jsonEnd) throw new MailteeError("damaged", "its report is missing");
  const report = parseReport(bytes.subarray(headerEnd + 2 * CRLF.length, jsonEnd));
  return { kind: "tail", report, length: bytes.length - begin };
}
