/** Values of a row as what they have to be. */

import { MailteeError } from "../base/errors.ts";

export type Row = Readonly<Record<string, unknown>>;

/** A text column. Throws MailteeError "damaged" where it holds something else, as the others do. */
export function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : unexpected(column, value);
}

export function integer(row: Row, column: string): number {
  const value = row[column];
  return typeof value === "number" ? value : unexpected(column, value);
}

export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column);
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

/** A text column that holds JSON, which may be anything. */
export function json(row: Row, column: string): unknown {
  try {
    return JSON.parse(text(row, column));
  } catch (error) {
    if (error instanceof SyntaxError) return unexpected(column, row[column]);
    throw error;
  }
}

/** A text column that holds a JSON array of strings. */
export function strings(row: Row, column: string): string[] {
  const value = json(row, column);
  return Array.isArray(value) && value.every((item) => typeof item === "string")
    ? value
    : unexpected(column, row[column]);
}

/** A text column that holds one of these words. */
export function oneOf<Word extends string>(row: Row, column: string, words: readonly Word[]): Word {
  return words.find((word) => word === row[column]) ?? unexpected(column, row[column]);
}

function unexpected(column: string, value: unknown): never {
  throw new MailteeError("damaged", `the catalog has ${String(value).slice(0, 80)} as ${column}`, {
    hint: "Run `mailtee verify`, and take the catalog from a backup of the archive.",
  });
}
