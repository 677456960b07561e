/** Finding mails in the catalog, by a query or by their IDs. */

import { captureRecord } from "./captures.ts";
import type { Database } from "./database.ts";
import type { Query } from "./query.ts";
import { integer, integerOrNull, type Row, strings, text } from "./row.ts";
import { type SearchSql, searchSql, type SqlValue } from "./search_sql.ts";
import type { ArchiveTotals, CaptureRecord, MailSummary, ResolvedId, SearchOptions, SearchPage } from "./types.ts";

const DEFAULT_LIMIT = 50;
/**
 * The best of all mails with a word that most mails have took half a second of 100,000 and grew with them; the best of
 * 2,000 a tenth of that.
 */
const DEFAULT_RANKED = 2000;
const MIN_PREFIX_DIGITS = 6;
const MAX_CANDIDATES = 10;

const SUMMARY_COLUMNS = `
  mail.id AS id, mail.sha256 AS sha256, mail.size AS size, mail.date AS date, mail.subject AS subject,
  mail.sender AS sender, mail.recipients AS recipients, mail.cc AS cc, mail.message_id AS message_id,
  mail.attachments AS attachments,
  (SELECT json_group_array(user.name) FROM assignment JOIN user ON user.id = assignment.user
    WHERE assignment.mail = mail.id) AS users`;

/** How much more a word counts in these columns than in the body; the order is that of `mail_text`. */
const RANK = "bm25(mail_text, 10.0, 4.0, 2.0, 1.0, 3.0)";

/** One page of what a query finds. */
export function searchMails(database: Database, query: Query, options: SearchOptions): SearchPage {
  const limit = options.limit ?? DEFAULT_LIMIT;
  const sql = searchSql(query);
  return options.by === "rank" && sql.ranks
    ? rankedPage(database, sql, options)
    : datedPage(database, sql, limit, options.after);
}

/** The statement behind a page of `searchMails` by date, for those who want to see its plan. */
export function datedSearch(sql: SearchSql, limit: number, after?: string): [string, ...SqlValue[]] {
  const beforeId = after === undefined ? null : cursorNumber(after);
  return [
    `SELECT ${SUMMARY_COLUMNS} FROM ${sql.from} WHERE (${sql.where.sql}) ${beforeId === null ? "" : `AND ${sql.id} < ?`}
      ORDER BY ${sql.id} DESC LIMIT ?`,
    ...sql.where.values,
    ...beforeId === null ? [] : [BigInt(beforeId)],
    limit + 1,
  ];
}

function datedPage(database: Database, sql: SearchSql, limit: number, after: string | undefined): SearchPage {
  const rows = database.all(...datedSearch(sql, limit, after));
  const last = rows[limit - 1];
  return {
    mails: rows.slice(0, limit).map(mailSummary),
    next: rows.length > limit && last !== undefined ? String(integer(last, "id")) : null,
  };
}

/** Cursors begin so after the last mail that is ranked. */
const OLDER = "older-";

/** The newest mails found, best match first, then older ones by date. */
function rankedPage(database: Database, sql: SearchSql, options: SearchOptions): SearchPage {
  const { limit = DEFAULT_LIMIT, ranked = DEFAULT_RANKED, after = "0" } = options;
  if (after.startsWith(OLDER)) return olderPage(datedPage(database, sql, limit, after.slice(OLDER.length)));
  const offset = cursorNumber(after);
  const rows = database.all(
    `WITH
      newest AS (SELECT ${sql.id} AS hit, ${RANK} AS score FROM ${sql.from} WHERE (${sql.where.sql})
        ORDER BY ${sql.id} DESC LIMIT ?),
      best AS (SELECT hit, score FROM newest ORDER BY score, hit DESC LIMIT ? OFFSET ?)
    SELECT ${SUMMARY_COLUMNS} FROM best JOIN mail ON mail.id = best.hit ORDER BY best.score, best.hit DESC`,
    ...sql.where.values,
    ranked,
    limit + 1,
    offset,
  );
  return {
    mails: rows.slice(0, limit).map(mailSummary),
    next: rows.length > limit ? String(offset + limit) : afterRanked(database, sql, ranked),
  };
}

/** Where the older mails begin; null where all that were found are ranked. */
function afterRanked(database: Database, sql: SearchSql, ranked: number): string | null {
  const [last, older] = database.all(
    `SELECT ${sql.id} AS id FROM ${sql.from} WHERE (${sql.where.sql}) ORDER BY ${sql.id} DESC LIMIT 2 OFFSET ?`,
    ...sql.where.values,
    ranked - 1,
  );
  return last === undefined || older === undefined ? null : `${OLDER}${integer(last, "id")}`;
}

function olderPage({ mails, next }: SearchPage): SearchPage {
  return { mails, next: next === null ? null : `${OLDER}${next}` };
}

function cursorNumber(cursor: string): number {
  if (!/^[0-9]{1,16}$/.test(cursor)) throw new TypeError(`${JSON.stringify(cursor)} isn't a page's next`);
  return Number(cursor);
}

/** How many mails a query finds. */
export function countMails(database: Database, query: Query): number {
  const { from, where } = searchSql(query);
  const row = database.get(`SELECT count(*) AS mails FROM ${from} WHERE ${where.sql}`, ...where.values);
  return integer(row ?? {}, "mails");
}

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
