/** Which files runs left in their drop folders, and why. */

import { integer, type Row, strings, text } from "./row.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import type { NotArchived } from "./types.ts";

/** Rows of `left_file`, from the first id to the last one. */
type IdRange = [first: number, last: number];

/**
 * Keeps what was left, inside a transaction of the caller, and gives the JSON by which it is found again. A file that
 * stays is named by every run, so that each distinct line is kept once, and of a run only the ranges of their ids: 1,000
 * files that stay cost a run some ten octets instead of 200,000.
 */
export function keepLeftFiles(connection: Connection, left: readonly NotArchived[]): string {
  const ranges: IdRange[] = [];
  for (const line of left) {
    const id = idOf(connection, line);
    const last = ranges.at(-1);
    if (last !== undefined && id === last[1] + 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return JSON.stringify(ranges);
}

function idOf(connection: Connection, { file, code, reason, addresses }: NotArchived): number {
  const values = [file, code, reason, JSON.stringify(addresses)];
  const known = connection.prepare(
    "SELECT id FROM left_file WHERE file = ? AND code = ? AND reason = ? AND addresses = ?",
  ).get(...values);
  return integer(
    known ?? connection.prepare(
      "INSERT INTO left_file (file, code, reason, addresses) VALUES (?, ?, ?, ?) RETURNING id",
    ).get(...values) ?? {},
    "id",
  );
}

/** What `keepLeftFiles` kept, in its order. */
export function leftFiles(database: Database, ranges: string): NotArchived[] {
  if (ranges === "[]") return [];
  return database.all(
    `SELECT file, code, reason, addresses
      FROM json_each(?) AS ids JOIN left_file ON left_file.id BETWEEN ids.value ->> 0 AND ids.value ->> 1
      ORDER BY ids.key, left_file.id`,
    ranges,
  ).map(notArchived);
}

function notArchived(row: Row): NotArchived {
  return {
    file: text(row, "file"),
    code: text(row, "code"),
    reason: text(row, "reason"),
    addresses: strings(row, "addresses"),
  };
}
