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

/** The rows that a query finds: what comes after FROM, the condition, and the mail's id in the table that is walked. */
export interface SearchSql {
  readonly from: string;
  readonly where: Sql;
  readonly id: string;
}

/** The ids that a query leaves by the dates that it names. */
export interface IdRange {
  readonly from: number;
  /** The first id that is too large. */
  readonly to: number;
}

const COLUMNS: Readonly<Record<Exclude<TextField, "any">, string>> = {
  subject: "subject",
  from: "sender",
  to: "recipients",
  body: "body",
  attachment: "attachments",
};

/** True where a query asks for text, or for its absence: then it is answered by the full-text index, part by part. */
export function asksForText(query: Query): boolean {
  switch (query.kind) {
    case "and":
    case "or":
      return query.of.some(asksForText);
    case "not":
      return asksForText(query.of);
    default:
      return query.kind === "text";
  }
}

/** The ids that mails may have. These terms are then left out of the statements, which get one range of ids instead. */
export function idRange(query: Query): IdRange {
  let [from, to] = [0, Number.MAX_SAFE_INTEGER];
  for (const term of conjuncts(query)) {
    if (term.kind === "after") from = Math.max(from, Number(firstMailId(term.time)));
    if (term.kind === "before") to = Math.min(to, Number(firstMailId(term.time)));
  }
  return { from, to };
}

/** Walks a part of the full-text index; its rows are in the order of the mails' dates. */
export function partSql(query: Query, table: string): SearchSql {
  const id = `${table}.rowid`;
  const terms = undatedConjuncts(query);
  const texts = terms.filter((term) => matchOf(term) !== null);
  const conditionOf = (term: Query) => condition(term, id, table);
  if (texts.length === 0) return { from: table, where: allOf(terms.map(conditionOf)), id };
  const unwanted = terms.filter((term) => term.kind === "not" && matchOf(term.of) !== null);
  const others = terms.filter((term) => !texts.includes(term) && !unwanted.includes(term));
  const match = { sql: `${table} MATCH ?`, values: [matchAll(texts, unwanted)] };
  return { from: table, where: allOf([match, ...others.map(conditionOf)]), id };
}

/**
 * Walks a user's mails where the query names a user, else all mails, for a query that doesn't ask for text. In both, ids
 * are in the order of the mails' dates.
 */
export function mailSql(query: Query): SearchSql {
  const terms = undatedConjuncts(query);
  const owner = terms.find((term) => term.kind === "user");
  if (owner === undefined) {
    const id = "mail.id";
    return { from: "mail", where: allOf(terms.map((term) => condition(term, id, null))), id };
  }
  const id = "assignment.mail";
  const others = terms.filter((term) => term !== owner).map((term) => condition(term, id, null));
  return { from: "assignment", where: allOf([ownerIs(owner.name), ...others]), id };
}

function undatedConjuncts(query: Query): Query[] {
  return conjuncts(query).filter(({ kind }) => kind !== "after" && kind !== "before");
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

/** A condition on the mail with this id, which is in that part of the index; null where the query asks for no text. */
function condition(query: Query, id: string, table: string | null): Sql {
  const match = matchOf(query);
  if (match !== null) {
    return { sql: `${id} IN (SELECT rowid FROM ${table} WHERE ${table} MATCH ?)`, values: [match] };
  }
  switch (query.kind) {
    case "and":
      return allOf(query.of.map((term) => condition(term, id, table)));
    case "or":
      return anyOf(query.of.map((term) => condition(term, id, table)));
    case "not": {
      const { sql, values } = condition(query.of, id, table);
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
      return { sql: `${mailColumn("size", id)} > ?`, values: [query.bytes] };
    case "smaller":
      return { sql: `${mailColumn("size", id)} < ?`, values: [query.bytes] };
    case "has-attachment":
      return { sql: `${mailColumn("attachment_count", id)} > 0`, values: [] };
    case "text":
      throw new TypeError("text has a match");
  }
}

function mailColumn(column: string, id: string): string {
  return `(SELECT described.${column} FROM mail AS described WHERE described.id = ${id})`;
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
