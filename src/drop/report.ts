/**
 * How a transmission report is laid out as JSON, so that its end can be settled in place.
 *
 * A capture is flushed before anybody knows how the transmission ends. What is only known afterwards (the reply, the
 * outcome, the time) therefore stands at the very end of the JSON, in a region that fills exactly one 512-byte sector of
 * the file: it is overwritten by one write that a disk carries out whole or not at all.
 */

import { encodeUtf8 } from "../base/bytes.ts";
import type { Outcome, ReportRecipient, TransmissionReport } from "./types.ts";

/** The smallest unit that disks write whole; the region is as long and begins at a multiple of it. */
export const SETTLEMENT_BYTES = 512;

/** What the settlement region tells. */
export interface SettledEnd {
  readonly outcome: Outcome;
  readonly finished: string | null;
  /** The reply to the end of the mail; left out for POP3. */
  readonly reply?: string | null;
}

/** How every capture is sealed: the outcome isn't known yet. */
export function unknownEnd(kind: "smtp" | "pop3"): SettledEnd {
  return { outcome: "unknown", finished: null, ...(kind === "smtp" ? { reply: null } : {}) };
}

/** The JSON up to the settlement region. No line begins with anything but a brace or white space. */
export function reportStart(report: Omit<TransmissionReport, "outcome" | "finished">): string {
  const lines = [
    "{",
    `  "version": ${report.version},`,
    `  "id": ${JSON.stringify(report.id)},`,
    `  "proxy": ${compact(report.proxy, ["name", "kind", "listen"])},`,
    `  "client": ${compact(report.client, ["address", "port", "helo", "tls", "authenticatedAs"])},`,
    `  "target": ${compact(report.target, ["host", "address", "port", "tls"])},`,
    `  "started": ${JSON.stringify(report.started)},`,
    `  "mail": ${compact(report.mail, ["size", "sha256", "headerSize"])},`,
  ];
  if (report.smtp !== undefined) {
    lines.push(
      `  "smtp": {`,
      `    "mailFrom": ${JSON.stringify(report.smtp.mailFrom)},`,
      `    "params": ${JSON.stringify(report.smtp.params)},`,
      `    "recipients": ${recipientList(report.smtp.recipients)},`,
      `    "rejectedRecipients": ${recipientList(report.smtp.rejectedRecipients)},`,
    );
  } else if (report.pop3 !== undefined) {
    lines.push(`  "pop3": ${compact(report.pop3, ["user", "uidl", "messageNumber"])},`);
  }
  return lines.join("\r\n");
}

/** Members in a fixed order, and none but these. */
function compact<T extends object, K extends keyof T & string>(value: T, keys: readonly K[]): string {
  return `{ ${keys.map((key) => `"${key}": ${memberText(value[key])}`).join(", ")} }`;
}

function memberText(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

function recipientList(recipients: readonly ReportRecipient[]): string {
  if (recipients.length === 0) return "[]";
  const items = recipients.map((recipient) => `      ${compact(recipient, ["address", "params", "reply"])}`);
  return `[\r\n${items.join(",\r\n")}\r\n    ]`;
}

/** The JSON from the settlement region on: 512 bytes, filled up with spaces; null where the text is longer. */
export function settlementRegion(end: SettledEnd): Uint8Array<ArrayBuffer> | null {
  const text = encodeUtf8(settlementText(end));
  if (text.length > SETTLEMENT_BYTES) return null;
  const region = new Uint8Array(SETTLEMENT_BYTES).fill(0x20);
  region.set(text);
  return region;
}

/** The JSON's end; what `settlementRegion` holds, of any length. */
export function settlementText(end: SettledEnd): string {
  const reply = end.reply === undefined ? "" : `\r\n    "reply": ${JSON.stringify(end.reply)}\r\n  },`;
  return `${reply}\r\n  "outcome": ${JSON.stringify(end.outcome)},\r\n  "finished": ${
    JSON.stringify(end.finished)
  }\r\n}`;
}
