/** Reading mails from the catalog: one, all, or those of an ID's beginning. */

import { captureRecord } from "./captures.ts";
import type { Database } from "./database.ts";
import type { MailHeadline } from "./rank.ts";
import { integer, integerOrNull, type Row, strings, text } from "./row.ts";
import type { ArchiveTotals, CaptureRecord, MailSummary, ResolvedId } from "./types.ts";

const MIN_PREFIX_DIGITS = 6;
const MAX_CANDIDATES = 10;

const SUMMARY_COLUMNS = `
  mail.id AS id, mail.sha256 AS sha256, mail.size AS size, mail.date AS date, mail.subject AS subject,
  mail.sender AS sender, mail.recipients AS recipients, mail.cc AS cc, mail.message_id AS message_id,
  mail.attachments AS attachments,
  (SELECT json_group_array(user.name) FROM assignment JOIN user ON user.id = assignment.user
    WHERE assignment.mail = mail.id) AS users`;

/** What an ID or the beginning of one means. */
export function resolveId(database: Database, idOrPrefix: string): ResolvedId {
  const prefix = idOrPrefix.trim().toLowerCase();
  if (!/^[0-9a-f]*$/.test(prefix)) return { kind: "invalid", reason: "it has characters that aren't hex digits" };
  if (prefix.length < MIN_PREFIX_DIGITS) {
    return { kind: "invalid", reason: `it has fewer than ${MIN_PREFIX_DIGITS} digits` };
  }
  if (prefix.length > 64) return { kind: "invalid", reason: "it has more than 64 digits" };
  // "g" comes after all hex digits.
  const candidates = database.all(
    "SELECT sha256 FROM mail WHERE sha256 >= ? AND sha256 < ? ORDER BY sha256 LIMIT ?",
    prefix,
    `${prefix}g`,
    MAX_CANDIDATES,
  ).map((row) => text(row, "sha256"));
  const [sha256] = candidates;
  if (sha256 === undefined) return { kind: "not-found" };
  return candidates.length === 1 ? { kind: "found", sha256 } : { kind: "ambiguous", candidates };
}

/** One mail; null where the catalog hasn't got it. */
export function mailOf(database: Database, sha256: string): MailSummary | null {
  const row = database.get(`SELECT ${SUMMARY_COLUMNS} FROM mail WHERE mail.sha256 = ?`, sha256);
  return row === undefined ? null : mailSummary(row);
}

/** Mails by the numbers of their rows, in the order given. */
export function mailsOf(database: Database, ids: readonly number[]): MailSummary[] {
  const rows = database.all(
    `SELECT ${SUMMARY_COLUMNS} FROM mail WHERE mail.id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  );
  const mails = new Map(rows.map((row) => [integer(row, "id"), mailSummary(row)]));
  return ids.flatMap((id) => mails.get(id) ?? []);
}

/** What ranking looks at of mails, by the numbers of their rows. */
export function headlinesOf(
  database: Database,
  ids: readonly number[],
): { readonly id: number; readonly mail: MailHeadline }[] {
  const rows = database.all(
    `SELECT id, subject, sender, recipients, cc, attachments FROM mail
      WHERE id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  );
  return rows.map((row) => ({
    id: integer(row, "id"),
    mail: {
      subject: text(row, "subject"),
      from: text(row, "sender"),
      to: text(row, "recipients"),
      cc: text(row, "cc"),
      attachments: strings(row, "attachments"),
    },
  }));
}

/** All captures of a mail, oldest first. */
export function capturesOf(database: Database, sha256: string): CaptureRecord[] {
  const rows = database.all(
    `SELECT capture.* FROM capture JOIN mail ON mail.id = capture.mail WHERE mail.sha256 = ?
      ORDER BY capture.started, capture.id`,
    sha256,
  );
  return rows.map((row) =>
    captureRecord(
      row,
      database.all("SELECT role, spelled FROM capture_address WHERE capture = ? ORDER BY place", text(row, "id")),
    )
  );
}

const PAGE_MAILS = 1000;

/** Every mail, in the order of their hashes. */
export async function* allMails(
  database: Database,
): AsyncGenerator<{ readonly sha256: string; readonly size: number }> {
  for (let last = "";;) {
    const rows = database.all(
      "SELECT sha256, size FROM mail WHERE sha256 > ? ORDER BY sha256 LIMIT ?",
      last,
      PAGE_MAILS,
    );
    for (const row of rows) yield { sha256: last = text(row, "sha256"), size: integer(row, "size") };
    if (rows.length < PAGE_MAILS) return;
  }
}

/** Numbers of the whole archive. */
export function archiveTotals(database: Database): ArchiveTotals {
  const row = database.get(`
    SELECT (SELECT count(*) FROM mail) AS mails, (SELECT count(*) FROM capture) AS captures,
      (SELECT count(*) FROM user WHERE removed IS NULL) AS users, (SELECT coalesce(sum(size), 0) FROM mail) AS bytes,
      (SELECT date FROM mail ORDER BY id LIMIT 1) AS oldest, (SELECT date FROM mail ORDER BY id DESC LIMIT 1) AS newest
  `) ?? {};
  return {
    mails: integer(row, "mails"),
    captures: integer(row, "captures"),
    users: integer(row, "users"),
    bytes: integer(row, "bytes"),
    oldest: integerOrNull(row, "oldest"),
    newest: integerOrNull(row, "newest"),
  };
}

function mailSummary(row: Row): MailSummary {
  return {
    sha256: text(row, "sha256"),
    size: integer(row, "size"),
    date: integer(row, "date"),
    subject: text(row, "subject"),
    from: text(row, "sender"),
    to: text(row, "recipients"),
    cc: text(row, "cc"),
    messageId: text(row, "message_id"),
    attachments: strings(row, "attachments"),
    users: strings(row, "users").sort(),
  };
}
