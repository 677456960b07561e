/** Rows of the full-text index: one a mail, without the text itself (https://www.sqlite.org/fts5.html#contentless_tables). */

import type { ExtractedMessage } from "../message/types.ts";
import type { Connection } from "./connection.ts";
import { partTable } from "./index_parts.ts";
import { indexText } from "./index_text.ts";
import type { CaptureAddress } from "./types.ts";

/** Indexes a mail in a part of the index, with the envelope addresses of all its captures. */
export function addMailText(
  connection: Connection,
  part: number,
  mailId: number,
  extracted: ExtractedMessage,
  addresses: readonly CaptureAddress[],
): void {
  const senders = addresses.filter(({ role }) => role === "sender");
  const others = addresses.filter(({ role }) => role !== "sender");
  connection.run(
    `INSERT INTO ${partTable(part)} (rowid, subject, sender, recipients, body, attachments)
      VALUES (?, ?, ?, ?, ?, ?)`,
    BigInt(mailId),
    indexText(extracted.subject),
    fieldsText([extracted.from, ...senders.map(({ address }) => address)]),
    fieldsText([extracted.to, extracted.cc, ...others.map(({ address }) => address)]),
    indexText(extracted.text),
    fieldsText(extracted.attachments.map(({ name }) => name)),
  );
}

/** Indexes a mail anew, in the part that has it. */
export function replaceMailText(
  connection: Connection,
  part: number,
  mailId: number,
  extracted: ExtractedMessage,
  addresses: readonly CaptureAddress[],
): void {
  connection.run(`DELETE FROM ${partTable(part)} WHERE rowid = ?`, BigInt(mailId));
  addMailText(connection, part, mailId, extracted, addresses);
}

function fieldsText(fields: readonly string[]): string {
  return indexText(fields.filter((field) => field !== "").join("\n"));
}
