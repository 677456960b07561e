/** Runs of profiles in the catalog. */

import { MailteeError } from "../base/errors.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { keepLeftFiles, leftFiles } from "./left_files.ts";
import { json, type Row, text } from "./row.ts";
import type { RunProtocol, RunRecord } from "./types.ts";

/** Keeps a run's protocol. */
export function keepProtocol(connection: Connection, runId: string, protocol: RunProtocol): void {
  const { notArchived, ...counts } = protocol;
  connection.run(
    "UPDATE run SET protocol = ?, left_files = ? WHERE id = ?",
    JSON.stringify(counts),
    keepLeftFiles(connection, notArchived),
    runId,
  );
}

/** Runs, newest first. */
export function runRecords(
  database: Database,
  { profile, limit = -1 }: { readonly profile?: string; readonly limit?: number },
): RunRecord[] {
  const rows = profile === undefined
    ? database.all("SELECT * FROM run ORDER BY id DESC LIMIT ?", limit)
    : database.all("SELECT * FROM run WHERE profile = ? ORDER BY id DESC LIMIT ?", profile, limit);
  return rows.map((row) => runRecord(database, row));
}

function runRecord(database: Database, row: Row): RunRecord {
  return {
    id: text(row, "id"),
    profile: text(row, "profile"),
    started: text(row, "started"),
    protocol: row["protocol"] === null ? null : runProtocol(database, row),
  };
}

function runProtocol(database: Database, row: Row): RunProtocol {
  const value = json(row, "protocol");
  if (isCounts(value)) return { ...value, notArchived: leftFiles(database, text(row, "left_files")) };
  throw new MailteeError("damaged", `the catalog's protocol of run ${text(row, "id")} isn't one`, {
    hint: "Run `mailtee verify`, and take the catalog from a backup of the archive.",
  });
}

const TEXTS = ["profile", "started", "finished"] as const;
const COUNTS = ["found", "archived", "alreadyArchived", "unassigned", "failed", "deleted", "bytes"] as const;

function isCounts(value: unknown): value is Omit<RunProtocol, "notArchived"> {
  if (!isRecord(value)) return false;
  return TEXTS.every((key) => typeof value[key] === "string") &&
    COUNTS.every((key) => typeof value[key] === "number");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
