/** What the catalog remembers of files that runs left in a drop folder. */

import { MailteeError } from "../base/errors.ts";
import { isAddressRole } from "./captures.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { integer, json, oneOf, type Row, text } from "./row.ts";
import type { CaptureAddress, SeenFile } from "./types.ts";

/** Forgets and remembers files, inside a transaction of the caller. */
export function updateSeenFiles(
  connection: Connection,
  folder: string,
  changes: { readonly remember?: readonly SeenFile[]; readonly forget?: readonly string[] },
): void {
  for (const file of changes.forget ?? []) {
    connection.run("DELETE FROM seen_file WHERE folder = ? AND file = ?", folder, file);
  }
  for (const { file, size, modified, captureId, state, addresses } of changes.remember ?? []) {
    connection.run(
      `INSERT OR REPLACE INTO seen_file (folder, file, size, modified, capture, state, addresses)
        VALUES (?, ?, ?, ?, ?, ?, ?)`,
      folder,
      file,
      size,
      modified,
      captureId,
      state,
      JSON.stringify(addresses),
    );
  }
}

/** The files that were left in a folder, by name. */
export function seenFiles(database: Database, folder: string): Map<string, SeenFile> {
  const rows = database.all(
    "SELECT file, size, modified, capture, state, addresses FROM seen_file WHERE folder = ?",
    folder,
  );
  return new Map(rows.map(seenFile).map((seen) => [seen.file, seen]));
}

function seenFile(row: Row): SeenFile {
  return {
    file: text(row, "file"),
    size: integer(row, "size"),
    modified: integer(row, "modified"),
    captureId: text(row, "capture"),
    state: oneOf(row, "state", ["archived", "unassigned"]),
    addresses: captureAddresses(row),
  };
}

function captureAddresses(row: Row): readonly CaptureAddress[] {
  if (row["addresses"] === "[]") return [];
  const addresses = json(row, "addresses");
  if (Array.isArray(addresses) && addresses.every(isCaptureAddress)) return addresses;
  throw new MailteeError("damaged", `the catalog's addresses of ${text(row, "file")} aren't any`);
}

function isCaptureAddress(value: unknown): value is CaptureAddress {
  return typeof value === "object" && value !== null && "role" in value && isAddressRole(value.role) &&
    "address" in value && typeof value.address === "string";
}
