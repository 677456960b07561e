/** Errors of SQLite in words. */

import { type ErrorCode, errorText, MailteeError } from "../base/errors.ts";

/** Primary result codes (https://www.sqlite.org/rescode.html), and the words of errors that come without one. */
const CODES: readonly (readonly [number, RegExp, ErrorCode])[] = [
  [5, /database is locked/, "busy"],
  [6, /table is locked/, "busy"],
  [13, /database or disk is full/, "disk-full"],
  [11, /malformed/, "damaged"],
  [26, /not a database/, "damaged"],
];

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  "busy": "Another process is writing to the archive; try again when it is done.",
  "disk-full": "Free some space, or move the archive to another disk.",
  "damaged": "Run `mailtee verify`, and take the catalog from a backup of the archive.",
  "io": "Look at the system log, check the disk, and the rights of the account that runs mailtee.",
};

/** What kind of failure an error of SQLite is; null for any other error. */
export function sqliteCode(error: unknown): ErrorCode | null {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_SQLITE_ERROR") return null;
  const primary = "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : null;
  const known = CODES.find(([number, words]) => primary === number || (primary === null && words.test(error.message)));
  return known?.[2] ?? "io";
}

/** An error of SQLite in words, as MailteeError "busy", "disk-full", "damaged" or "io"; anything else as it is. */
export function sqliteError(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  if (code === null) return error;
  const hint = HINTS[code];
  return new MailteeError(code, `${path}: ${errorText(error)}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
