/** The catalog's users, and whose the mails of earlier runs are. */

import { compileAddressPatterns } from "../message/addresses.ts";
import { foldName } from "./captures.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { integer, integerOrNull, strings, text } from "./row.ts";
import type { ArchiveUser, CatalogUser, UserSync } from "./types.ts";

/** All users, sorted by name. */
export function catalogUsers(database: Database): CatalogUser[] {
  const rows = database.all(`
    SELECT name, addresses, pop3_users, removed,
      (SELECT count(*) FROM assignment WHERE assignment.user = user.id) AS mails
    FROM user ORDER BY name
  `);
  return rows.map((row) => ({
    name: text(row, "name"),
    addresses: strings(row, "addresses"),
    pop3Users: strings(row, "pop3_users"),
    mails: integer(row, "mails"),
    removed: integerOrNull(row, "removed") !== null,
  }));
}

/**
 * Makes the users those of the config, inside a transaction of the caller. Every address of earlier captures is looked up
 * once for the users that changed; what they have already stays theirs.
 */
export function syncUsers(connection: Connection, users: readonly ArchiveUser[], now: number): UserSync {
  const changed = users.filter((user) => storeUser(connection, user));
  return {
    changed: changed.map(({ name }) => name),
    removed: removeOthers(connection, users, now),
    assigned: changed.length === 0 ? 0 : assignEarlier(connection, changed, now),
  };
}

/** True where the user is new, or was stored with other addresses. */
function storeUser(connection: Connection, { name, addresses, pop3Users }: ArchiveUser): boolean {
  const stored = connection.prepare("SELECT addresses, pop3_users, removed FROM user WHERE name = ?").get(name);
  const values = [JSON.stringify(addresses), JSON.stringify(pop3Users)] as const;
  if (stored !== undefined) {
    const before = [text(stored, "addresses"), text(stored, "pop3_users")];
    if (integerOrNull(stored, "removed") === null && values.every((value, index) => value === before[index])) {
      return false;
    }
  }
  connection.run(
    `INSERT INTO user (name, folded_name, addresses, pop3_users) VALUES (?, ?, ?, ?)
      ON CONFLICT (name) DO UPDATE
      SET addresses = excluded.addresses, pop3_users = excluded.pop3_users, removed = NULL`,
    name,
    foldName(name),
    ...values,
  );
  return true;
}

/** Marks the users that the config no longer has, and gives their names. */
function removeOthers(connection: Connection, users: readonly ArchiveUser[], now: number): string[] {
  const kept = new Set(users.map(({ name }) => name));
  const rows = connection.prepare("SELECT name FROM user WHERE removed IS NULL ORDER BY name").all();
  const removed = rows.map((row) => text(row, "name")).filter((name) => !kept.has(name));
  for (const name of removed) connection.run("UPDATE user SET removed = ? WHERE name = ?", now, name);
  return removed;
}

/** Assigns the mails of earlier captures, and gives how many assignments were made. */
function assignEarlier(connection: Connection, changed: readonly ArchiveUser[], now: number): number {
  const lookup = compileAddressPatterns(changed);
  let assigned = 0;
  for (const row of connection.prepare("SELECT id, address FROM address").all()) {
    const [id, address] = [integer(row, "id"), text(row, "address")];
    for (const user of lookup.ownersOf(address)) assigned += assignAddress(connection, user, id, false, now);
    for (const user of lookup.ownersOfPop3User(address)) assigned += assignAddress(connection, user, id, true, now);
  }
  return assigned;
}

/** Assigns all mails with an address, as the POP3 user of a capture or as another address. */
function assignAddress(
  connection: Connection,
  user: string,
  address: number,
  isPop3User: boolean,
  now: number,
): number {
  return connection.run(
    `INSERT OR IGNORE INTO assignment (user, mail, capture, added)
      SELECT user.id, capture.mail, capture.id, ?
      FROM user, capture_address JOIN capture ON capture.id = capture_address.capture
      WHERE user.name = ? AND capture_address.address = ? AND (capture_address.role = 'pop3-user') = ?`,
    now,
    user,
    address,
    isPop3User ? 1 : 0,
  );
}
