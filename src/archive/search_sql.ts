/** SQL of a query. Everything that a person typed is a bound value, and text is one string of FTS5. */

import { firstMailId, foldName } from "./captures.ts";
import { indexPhrase } from "./index_text.ts";
import type { Query, TextField } from "./query.ts";

export type SqlValue = string | number | bigint;

/** Part of a statement, with the values for its question marks. */
export interface Sql {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** The rows that a query finds: what comes after FROM, the condition, and the id that results are ordered by. */
export interface SearchSql {
  readonly from: string;
  readonly where: Sql;
  /** The mail's id in the table that is walked, so that the order of time costs nothing. */
  readonly id: string;
  /** True where the rows come from the full-text index, so that bm25 can rank them. */
  readonly ranks: boolean;
}

const COLUMNS: Readonly<Record<Exclude<TextField, "any">, string>> = {
  subject: "subject",
  from: "sender",
  to: "recipients",
  body: "body",
  attachment: "attachments",
};

/**
 * Chooses the table to walk: the full-text index where the query has words, a user's mails where it names a user, else
 * all mails. In each, ids are in the order of the mails' dates.
 */
export function searchSql(query: Query): SearchSql {
  const terms = conjuncts(query);
  const texts = terms.filter((term) => matchOf(term) !== null);
  if (texts.length > 0) return fromIndex(terms, texts);
  const owner = terms.find((term) => term.kind === "user");
  const id = owner === undefined ? "mail.id" : "assignment.mail";
  const where = owner === undefined
    ? allOf(terms.map((term) => condition(term, id)))
    : allOf([ownerIs(owner.name), ...terms.filter((term) => term !== owner).map((term) => condition(term, id))]);
  const from = owner === undefined ? "mail" : "assignment CROSS JOIN mail ON mail.id = assignment.mail";
  return { from, where, id, ranks: false };
}

function fromIndex(terms: readonly Query[], texts: readonly Query[]): SearchSql {
  const id = "mail_text.rowid";
  const unwanted = terms.filter((term) => term.kind === "not" && matchOf(term.of) !== null);
  const match = matchAll(texts, unwanted);
  const others = terms.filter((term) => !texts.includes(term) && !unwanted.includes(term));
  return {
    from: "mail_text CROSS JOIN mail ON mail.id = mail_text.rowid",
    where: allOf([{ sql: "mail_text MATCH ?", values: [match] }, ...others.map((term) => condition(term, id))]),
    id,
    ranks: true,
  };
}

/** The terms that a mail has to meet all. */
function conjuncts(query: Query): Query[] {
  return query.kind === "and" ? query.of.flatMap(conjuncts) : [query];
}

/** The FTS5 expression of a query that asks for text alone; null for any other. */
function matchOf(query: Query): string | null {
  switch (query.kind) {
    case "text":
      return phrase(query.field, query.text, query.prefix);
    case "or": {
      const matches = query.of.map(matchOf);
      return matches.length === 0 || matches.includes(null) ? null : `(${matches.join(" OR ")})`;
    }
    case "and": {
      const terms = conjuncts(query);
      const texts = terms.filter((term) => matchOf(term) !== null);
      const unwanted = terms.filter((term) => term.kind === "not" && matchOf(term.of) !== null);
      return texts.length === 0 || texts.length + unwanted.length < terms.length ? null : matchAll(texts, unwanted);
    }
    default:
      return null;
  }
}

/** The FTS5 expression for mails with all of the texts and none of those in the negations. */
function matchAll(texts: readonly Query[], negations: readonly Query[]): string {
  const wanted = texts.map(matchOf).join(" AND ");
  const unwanted = negations.map((term) => term.kind === "not" ? matchOf(term.of) : null).join(" OR ");
  return unwanted === "" ? `(${wanted})` : `((${wanted}) NOT (${unwanted}))`;
}

function phrase(field: TextField, text: string, prefix: boolean): string {
  const quoted = indexPhrase(text, prefix);
  return field === "any" ? quoted : `${COLUMNS[field]} : ${quoted}`;
}

/** A condition on the mail with this id. */
function condition(query: Query, id: string): Sql {
  const match = matchOf(query);
  if (match !== null) {
    return { sql: `${id} IN (SELECT rowid FROM mail_text WHERE mail_text MATCH ?)`, values: [match] };
  }
  switch (query.kind) {
    case "and":
      return allOf(query.of.map((term) => condition(term, id)));
    case "or":
      return anyOf(query.of.map((term) => condition(term, id)));
    case "not": {
      const { sql, values } = condition(query.of, id);
      return { sql: `NOT (${sql})`, values };
    }
    case "user":
      return {
        sql: `EXISTS (SELECT 1 FROM assignment AS owned WHERE owned.mail = ${id}
          AND owned.user IN (SELECT id FROM user WHERE folded_name = ?))`,
        values: [foldName(query.name)],
      };
    case "proxy":
      return {
        sql: `EXISTS (SELECT 1 FROM capture WHERE capture.mail = ${id} AND capture.proxy = ?)`,
        values: [query.name],
      };
    case "before":
      return { sql: `${id} < ?`, values: [firstMailId(query.time)] };
    case "after":
      return { sql: `${id} >= ?`, values: [firstMailId(query.time)] };
    case "larger":
      return { sql: "mail.size > ?", values: [query.bytes] };
    case "smaller":
      return { sql: "mail.size < ?", values: [query.bytes] };
    case "has-attachment":
      return { sql: "mail.attachment_count > 0", values: [] };
    case "text":
      throw new TypeError("text has a match");
  }
}

function ownerIs(name: string): Sql {
  return {
    sql: "assignment.user = (SELECT id FROM user WHERE folded_name = ? ORDER BY removed IS NOT NULL, id LIMIT 1)",
    values: [foldName(name)],
  };
}

function allOf(conditions: readonly Sql[]): Sql {
  return joined(conditions, " AND ", "TRUE");
}

function anyOf(conditions: readonly Sql[]): Sql {
  return joined(conditions, " OR ", "FALSE");
}

function joined(conditions: readonly Sql[], operator: string, empty: string): Sql {
  if (conditions.length === 0) return { sql: empty, values: [] };
  return {
    sql: conditions.map(({ sql }) => `(${sql})`).join(operator),
    values: conditions.flatMap(({ values }) => values),
  };
}
