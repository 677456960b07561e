import type { Database } from "./database.ts";
import { indexParts, partTable } from "./index_parts.ts";
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
    for (const { number } of indexParts(database)) {
      const table = partTable(number);
      database.get(`SELECT rowid FROM ${table} WHERE ${table} MATCH 'a'`);
    }
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
  const counts = indexParts(database).map(({ number }) => {
    const row = database.get(
      `SELECT count(*) AS mails FROM mail
        WHERE index_part = ? AND id NOT IN (SELECT rowid FROM ${partTable(number)})`,
      number,
    );
    return integer(row ?? {}, "mails");
  });
  const mails = counts.reduce((sum, count) => sum + count, 0);
  return mails === 0 ? [] : [`${mails} mails are missing from the full-text index`];
}
