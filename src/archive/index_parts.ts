/**
 * The full-text index in parts of so many mails each, in the order in which they were archived. What FTS5 does with a whole
 * table, such as merging the lists of all words with a beginning, or its segments, then costs the same in any archive.
 */

import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { integer } from "./row.ts";

/** How many mails a part takes before the next one is begun. */
export const DEFAULT_PART_MAILS = 16_384;

export interface IndexPart {
  readonly number: number;
  /** The smallest and the largest id of its mails. */
  readonly oldest: number;
  readonly newest: number;
}

/** The FTS5 table of a part. */
export function partTable(part: number): string {
  return `mail_text_${part}`;
}

/** All parts that have mails, the one with the newest mail first. */
export function indexParts(database: Database): IndexPart[] {
  const rows = database.all("SELECT number, oldest, newest FROM index_part ORDER BY newest DESC");
  return rows.map((row) => ({
    number: integer(row, "number"),
    oldest: integer(row, "oldest"),
    newest: integer(row, "newest"),
  }));
}

/** Counts a new mail in the last part, or in a new one where that is full, and gives the part's number. */
export function takePart(connection: Connection, mailId: number, partMails: number): number {
  const last = connection.prepare("SELECT number, mails FROM index_part ORDER BY number DESC LIMIT 1").get();
  const number = last === undefined ? 1 : integer(last, "number");
  if (last === undefined || integer(last, "mails") >= partMails) {
    return beginPart(connection, last === undefined ? 1 : number + 1, mailId);
  }
  connection.run(
    "UPDATE index_part SET mails = mails + 1, oldest = min(oldest, ?1), newest = max(newest, ?1) WHERE number = ?2",
    BigInt(mailId),
    number,
  );
  return number;
}

function beginPart(connection: Connection, number: number, mailId: number): number {
  connection.execute(`CREATE VIRTUAL TABLE ${partTable(number)} USING fts5 (
    subject, sender, recipients, body, attachments,
    content = '', contentless_delete = 1, prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2'
  )`);
  connection.run(
    "INSERT INTO index_part (number, mails, oldest, newest) VALUES (?1, 1, ?2, ?2)",
    number,
    BigInt(mailId),
  );
  return number;
}
