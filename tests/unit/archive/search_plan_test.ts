import { DatabaseSync } from "node:sqlite";
import { assert } from "@std/assert";
import { join } from "@std/path";
import { parseQuery } from "../../../src/archive/query_parser.ts";
import { newestIds } from "../../../src/archive/search.ts";
import { asksForText, idRange, mailSql, partSql } from "../../../src/archive/search_sql.ts";
import { recipient, sample, withArchive } from "./samples.ts";

const NOW = Date.UTC(2026, 10, 24);

/** What walks, for each query: in the order of dates, so that a page is found without sorting. */
const WALKS: Readonly<Record<string, RegExp>> = {
  "": /^SEARCH mail USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)$/,
  "after:2026-01-01": /^SEARCH mail USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)$/,
  "word": /^SCAN mail_text_1 VIRTUAL TABLE INDEX .*</,
  "two words": /^SCAN mail_text_1 VIRTUAL TABLE INDEX .*</,
  "word after:2026-01-01": /^SCAN mail_text_1 VIRTUAL TABLE INDEX .*>/,
  "word user:anna": /^SCAN mail_text_1 VIRTUAL TABLE INDEX .*</,
  "-word": /^SCAN mail_text_1 VIRTUAL TABLE INDEX .*</,
  "word OR larger:1M": /^SCAN mail_text_1 VIRTUAL TABLE INDEX .*</,
  "user:anna": /^SEARCH assignment USING PRIMARY KEY \(user=\? AND mail>\? AND mail<\?\)$/,
  "user:anna before:2026-01-01": /^SEARCH assignment USING PRIMARY KEY \(user=\? AND mail>\? AND mail<\?\)$/,
};

Deno.test("newestIds() walks an index in the order of dates, with 100,000 mails in the catalog", async () => {
  await withArchive(async ({ path, catalog }) => {
    await catalog.addCaptures([sample({ users: ["anna"], addresses: [recipient("anna@company.example")] })]);
    const database = new DatabaseSync(join(path, "catalog.sqlite"));
    try {
      grow(database);
      for (const [query, walk] of Object.entries(WALKS)) {
        const steps = plan(database, query);
        const context = `${query || "(all)"}: ${steps.map(({ detail }) => detail).join(" / ")}`;
        assert(!steps.some(({ detail, parent }) => parent === 0 && detail.includes("TEMP B-TREE")), context);
        assert(walk.test(steps[0]?.detail ?? ""), context);
        assert(
          !steps.slice(1).some(({ detail }) => detail.startsWith("SCAN ") && !detail.includes("mail_text_1")),
          context,
        );
      }
    } finally {
      database.close();
    }
  });
});

/** Mails enough for the planner to care, without the work of indexing their text. */
function grow(database: DatabaseSync): void {
  database.exec(`
    WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 100000)
    INSERT INTO mail SELECT (1764000000 + value) * 1048576, printf('%064x', value), 1000, (1764000000 + value) * 1000,
      'subject', 'a@x.example', 'b@x.example', '', '', '[]', 0, '[]', 1, 0 FROM n;
    INSERT INTO user (name, folded_name, addresses, pop3_users)
      SELECT 'user ' || rowid, 'user ' || rowid, '[]', '[]' FROM mail LIMIT 2000;
    INSERT INTO assignment SELECT 1, id, (SELECT id FROM capture), 0 FROM mail WHERE sha256 LIKE '%3';
    ANALYZE
  `);
}

interface Step {
  readonly detail: string;
  /** 0 for what isn't part of a subquery. */
  readonly parent: number;
}

function plan(database: DatabaseSync, written: string): Step[] {
  const query = parseQuery(written, { now: NOW });
  const walked = asksForText(query) ? partSql(query, "mail_text_1") : mailSql(query);
  const [sql, ...values] = newestIds(walked, idRange(query), 50);
  return database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values)
    .map(({ detail, parent }) => ({ detail: String(detail), parent: Number(parent) }));
}
