/** Bringing the catalog's database to the present schema. */

import { MailteeError } from "../base/errors.ts";
import { createUlidMaker } from "../base/ids.ts";
import type { Connection } from "./connection.ts";
import { integer } from "./row.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";

/** Lets pass an empty database, and a catalog that isn't newer than this program; else throws MailteeError "malformed". */
export function requireCatalogOrEmpty(connection: Connection, path: string): void {
  const fresh = schemaVersion(connection) === 0 && pragma(connection, "application_id") === 0;
  if (fresh) requireEmpty(connection, path);
  else checkKind(connection, path);
}

/**
 * Takes a database from whatever version to the present one, inside a transaction of the caller. Throws MailteeError
 * "malformed" where it is something else, or newer.
 */
export function migrate(writer: Connection, path: string, now: number): void {
  requireCatalogOrEmpty(writer, path);
  const version = schemaVersion(writer);
  for (const migration of MIGRATIONS.slice(version)) writer.execute(migration);
  if (version === 0) {
    const id = createUlidMaker(() => now)();
    writer.run("INSERT INTO archive (only, id, created) VALUES (1, ?, ?)", id, Math.floor(now));
  }
  writer.execute(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}`);
}

/** Throws MailteeError "malformed" where the database hasn't the present schema. */
export function requirePresentSchema(connection: Connection, path: string): void {
  checkKind(connection, path);
  const version = schemaVersion(connection);
  if (version === MIGRATIONS.length) return;
  throw new MailteeError("malformed", `${path} has version ${version}, which has to be brought up to date first`, {
    hint: "Run `mailtee archive` once with this version of mailtee.",
  });
}

/** How many migrations the database has seen. */
export function schemaVersion(connection: Connection): number {
  return pragma(connection, "user_version");
}

function requireEmpty(connection: Connection, path: string): void {
  const row = connection.prepare("SELECT count(*) AS tables FROM sqlite_schema").get();
  if (row === undefined || integer(row, "tables") > 0) throw notACatalog(path);
}

function checkKind(connection: Connection, path: string): void {
  if (pragma(connection, "application_id") !== APPLICATION_ID) throw notACatalog(path);
  const version = schemaVersion(connection);
  if (version <= MIGRATIONS.length) return;
  throw new MailteeError("malformed", `${path} has version ${version}, which is newer than this mailtee`, {
    hint: "Use the version of mailtee that made it, or a newer one.",
  });
}

function notACatalog(path: string): MailteeError {
  return new MailteeError("malformed", `${path} is a database, but not a catalog of mailtee`, {
    hint: "Give the archive a folder of its own: archive.path in the config.",
  });
}

function pragma(connection: Connection, name: "user_version" | "application_id"): number {
  return integer(connection.prepare(`PRAGMA ${name}`).get() ?? {}, name);
}
