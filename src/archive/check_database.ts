import type { Database } from "./database.ts";
import { integer, text } from "./row.ts";

const MAX_PROBLEMS = 100;

/**
 * SQLite's checks of its pages, of references between tables and of the full-text index; one sentence for each problem.
 * Takes a while for a large catalog, and blocks the thread.
 */
export function checkDatabase(database: Database): string[] {
  return [...integrityProblems(database), ...danglingRows(database), ...unindexedMails(database)];
}

/**
 * The full-text index is part of this check (https://www.sqlite.org/vtab.html#the_xintegrity_method). It trusts what FTS5
 * remembers of the index, and would call damaged what others wrote since; a search in the same transaction has it look.
 */
function integrityProblems(database: Database): string[] {
  database.get("BEGIN");
  try {
    database.get("SELECT rowid FROM mail_text WHERE mail_text MATCH 'a'");
    const rows = database.all(`PRAGMA integrity_check(${MAX_PROBLEMS})`);
    return rows.map((row) => text(row, "integrity_check")).filter((problem) => problem !== "ok");
  } finally {
    database.get("COMMIT");
  }
}

function danglingRows(database: Database): string[] {
  const rows = database.all("PRAGMA foreign_key_check").slice(0, MAX_PROBLEMS);
  return rows.map((row) => `a row of ${text(row, "table")} refers to a row of ${text(row, "parent")} that is missing`);
}

function unindexedMails(database: Database): string[] {
  const row = database.get("SELECT count(*) AS mails FROM mail WHERE id NOT IN (SELECT id FROM mail_text_docsize)");
  const mails = integer(row ?? {}, "mails");
  return mails === 0 ? [] : [`${mails} mails are missing from the full-text index`];
}
