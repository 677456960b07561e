/** Runs of profiles in the catalog. */

import { MailteeError } from "../base/errors.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { json, type Row, text } from "./row.ts";
import type { NotArchived, RunProtocol, RunRecord } from "./types.ts";

/**
 * Of so many runs of a profile, the newest, it is kept which files weren't archived; of older ones only how many. A file
 * that stays in the drop folder is named by every run, 200 octets each time.
 */
export const RUNS_WITH_FILES = 100;
/** Runs that died leave no protocol, so that those of several may have become old since the last one was kept. */
const SHORTENED_AT_ONCE = 10;

/** Keeps a run's protocol, and shortens what has become old by it. */
export function keepProtocol(connection: Connection, runId: string, protocol: RunProtocol): void {
  connection.run("UPDATE run SET protocol = ? WHERE id = ?", JSON.stringify(protocol), runId);
  connection.run(
    `UPDATE run SET protocol = json_set(protocol, '$.notArchived', json('[]'))
      WHERE id IN (SELECT id FROM run WHERE profile = ? ORDER BY id DESC LIMIT ? OFFSET ?)
        AND json_array_length(protocol, '$.notArchived') > 0`,
    protocol.profile,
    SHORTENED_AT_ONCE,
    RUNS_WITH_FILES,
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
  return rows.map(runRecord);
}

function runRecord(row: Row): RunRecord {
  return {
    id: text(row, "id"),
    profile: text(row, "profile"),
    started: text(row, "started"),
    protocol: row["protocol"] === null ? null : runProtocol(json(row, "protocol"), text(row, "id")),
  };
}

function runProtocol(value: unknown, runId: string): RunProtocol {
  if (isRunProtocol(value)) return value;
  throw new MailteeError("damaged", `the catalog's protocol of run ${runId} isn't one`, {
    hint: "Run `mailtee verify`, and take the catalog from a backup of the archive.",
  });
}

const TEXTS = ["profile", "started", "finished"] as const;
const COUNTS = ["found", "archived", "alreadyArchived", "unassigned", "failed", "deleted", "bytes"] as const;

function isRunProtocol(value: unknown): value is RunProtocol {
  if (!isRecord(value)) return false;
  return TEXTS.every((key) => typeof value[key] === "string") &&
    COUNTS.every((key) => typeof value[key] === "number") &&
    Array.isArray(value["notArchived"]) && value["notArchived"].every(isNotArchived);
}

function isNotArchived(value: unknown): value is NotArchived {
  return isRecord(value) && ["file", "code", "reason"].every((key) => typeof value[key] === "string") &&
    Array.isArray(value["addresses"]) && value["addresses"].every((address) => typeof address === "string");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
