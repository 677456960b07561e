/** Finding mails in the catalog by a query, page by page. */

import type { Database } from "./database.ts";
import { indexParts, partTable } from "./index_parts.ts";
import { headlinesOf, mailsOf } from "./mails.ts";
import type { Query } from "./query.ts";
import { type MailHeadline, mailScore } from "./rank.ts";
import { integer } from "./row.ts";
import { asksForText, type IdRange, idRange, mailSql, partSql, type SearchSql, type SqlValue } from "./search_sql.ts";
import type { SearchOptions, SearchPage } from "./types.ts";

const DEFAULT_LIMIT = 50;
/** More would show in the time of a page: 2,000 mails are read and looked through in about 20 ms. */
const DEFAULT_RANKED = 2000;

/** One page of what a query finds. */
export function searchMails(database: Database, query: Query, options: SearchOptions): SearchPage {
  const { limit = DEFAULT_LIMIT, after } = options;
  const score = options.by === "rank" ? mailScore(query) : null;
  return score === null ? datedPage(database, query, limit, after) : rankedPage(database, query, score, options);
}

/** How many mails a query finds. */
export function countMails(database: Database, query: Query): number {
  const range = idRange(query);
  const walks = asksForText(query)
    ? indexParts(database).filter((part) => part.newest >= range.from && part.oldest < range.to)
      .map(({ number }) => partSql(query, partTable(number)))
    : [mailSql(query)];
  const counts = walks.map(({ from, where, id }) => {
    const row = database.get(
      `SELECT count(*) AS mails FROM ${from} WHERE (${where.sql}) AND ${id} >= ? AND ${id} < ?`,
      ...where.values,
      BigInt(range.from),
      BigInt(range.to),
    );
    return integer(row ?? {}, "mails");
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The statement that gives the newest ids of a range, for those who want to see its plan. */
export function newestIds({ from, where, id }: SearchSql, range: IdRange, limit: number): [string, ...SqlValue[]] {
  return [
    `SELECT ${id} AS id FROM ${from} WHERE (${where.sql}) AND ${id} >= ? AND ${id} < ? ORDER BY ${id} DESC LIMIT ?`,
    ...where.values,
    BigInt(range.from),
    BigInt(range.to),
    limit,
  ];
}

/** The ids of the newest mails that a query finds, newest first. */
function newestHits(database: Database, query: Query, limit: number, before: number): number[] {
  const range = idRange(query);
  const walk = (sql: SearchSql, from: number) =>
    database.all(...newestIds(sql, { from: Math.max(range.from, from), to: Math.min(range.to, before) }, limit))
      .map((row) => integer(row, "id"));
  if (!asksForText(query)) return walk(mailSql(query), 0);
  let hits: number[] = [];
  for (const { number, oldest, newest } of indexParts(database)) {
    // Whoever is in the last place has to be surpassed; parts come in the order of their newest mails.
    const least = hits[limit - 1] ?? range.from;
    if (newest < least) break;
    if (oldest >= range.to || oldest >= before) continue;
    const more = walk(partSql(query, partTable(number)), least);
    hits = [...hits, ...more].sort((a, b) => b - a).slice(0, limit);
  }
  return hits;
}

function datedPage(database: Database, query: Query, limit: number, after: string | undefined): SearchPage {
  const before = after === undefined ? Number.MAX_SAFE_INTEGER : cursorNumber(after);
  const hits = newestHits(database, query, limit + 1, before);
  const shown = hits.slice(0, limit);
  return {
    mails: mailsOf(database, shown),
    next: hits.length > limit ? String(shown.at(-1)) : null,
  };
}

/** Cursors begin so after the last mail that is ranked. */
const OLDER = "older-";

/** The newest mails found, best match first and newest first among equals, then older ones by date. */
function rankedPage(
  database: Database,
  query: Query,
  score: (mail: MailHeadline) => number,
  options: SearchOptions,
): SearchPage {
  const { limit = DEFAULT_LIMIT, ranked = DEFAULT_RANKED, after = "0" } = options;
  if (after.startsWith(OLDER)) return olderPage(datedPage(database, query, limit, after.slice(OLDER.length)));
  const offset = cursorNumber(after);
  const hits = newestHits(database, query, ranked + 1, Number.MAX_SAFE_INTEGER);
  const best = headlinesOf(database, hits.slice(0, ranked))
    .map(({ id, mail }) => ({ id, score: score(mail) }))
    .sort((a, b) => b.score - a.score || b.id - a.id);
  const older = hits.length > ranked ? `${OLDER}${hits[ranked - 1]}` : null;
  return {
    mails: mailsOf(database, best.slice(offset, offset + limit).map(({ id }) => id)),
    next: best.length > offset + limit ? String(offset + limit) : older,
  };
}

function olderPage({ mails, next }: SearchPage): SearchPage {
  return { mails, next: next === null ? null : `${OLDER}${next}` };
}

function cursorNumber(cursor: string): number {
  if (!/^[0-9]{1,16}$/.test(cursor)) throw new TypeError(`${JSON.stringify(cursor)} isn't a page's next`);
  return Number(cursor);
}
