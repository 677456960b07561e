/** The catalog's SQLite database: one connection that reads, one that writes, and writers that take turns. */

import type { SQLInputValue } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { MailteeError } from "../base/errors.ts";
import { fileError, widenMode } from "../base/files.ts";
import { Connection } from "./connection.ts";
import { migrate, requireCatalogOrEmpty, requirePresentSchema, schemaVersion } from "./migrate.ts";
import { type Row, text } from "./row.ts";
import { MIGRATIONS } from "./schema.ts";
import { sqliteCode, sqliteError } from "./sqlite_error.ts";

/** How long a writer waits for another one, in this process or another. */
const BUSY_TIMEOUT_MS = 60_000;
const BUSY_RETRY_MS = 20;

export interface DatabaseOptions {
  readonly clock: Clock;
  readonly readOnly: boolean;
  readonly fileMode: number;
}

/**
 * One connection that reads and, unless it is read-only, one that writes. Writers take turns: transactions of this process
 * wait for each other, those of others are waited for without blocking the thread.
 */
export class Database {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #reader: Connection;
  readonly #writer: Connection | null;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(path: string, clock: Clock, reader: Connection, writer: Connection | null) {
    this.#path = path;
    this.#clock = clock;
    this.#reader = reader;
    this.#writer = writer;
  }

  /**
   * Opens the database; makes it where it is missing, and takes an older one to the present schema, unless it is opened
   * read-only. Rejects with MailteeError "not-found", "malformed" (another kind of file, a newer schema), "busy", "damaged",
   * "disk-full" or "io".
   */
  static async open(path: string, options: DatabaseOptions): Promise<Database> {
    const { clock, readOnly, fileMode } = options;
    if (readOnly) requireFile(path);
    else ensureFile(path, fileMode);
    const writer = readOnly ? null : new Connection(path, false);
    let reader: Connection | null = null;
    try {
      if (writer !== null) await prepareForWriting(writer, path, clock);
      reader = new Connection(path, true);
      requirePresentSchema(reader, path);
      return new Database(path, clock, reader, writer);
    } catch (error) {
      reader?.close();
      writer?.close();
      throw sqliteError(error, path);
    }
  }

  /** Rows of a query. Throws MailteeError as `open` does. */
  all(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    return this.#guard(() => this.#reader.prepare(sql).all(...values));
  }

  /** The first row of a query, if any. */
  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#guard(() => this.#reader.prepare(sql).get(...values));
  }

  /**
   * Carries out `work` as one transaction: durable once this resolves, undone where `work` rejects. `work` may wait, as
   * long as it is for nothing that itself waits for a transaction.
   */
  transaction<T>(work: (connection: Connection) => Promise<T> | T): Promise<T> {
    const run = this.#turn.then(() => this.#transaction(work));
    this.#turn = run.catch(() => {});
    return run;
  }

  close(): void {
    this.#reader.close();
    this.#writer?.close();
  }

  async #transaction<T>(work: (connection: Connection) => Promise<T> | T): Promise<T> {
    const writer = this.#writer;
    if (writer === null) throw new TypeError("the archive was opened read-only");
    try {
      return await inTransaction(writer, this.#clock, work);
    } catch (error) {
      throw sqliteError(error, this.#path);
    }
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteError(error, this.#path);
    }
  }
}

function requireFile(path: string): void {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw fileError(error, `open ${path}`);
    throw new MailteeError("not-found", `there is no archive: ${path} is missing`, {
      hint: "The first run of a profile makes it: `mailtee archive`.",
    });
  }
}

/** SQLite gives the files beside it the same mode. */
function ensureFile(path: string, mode: number): void {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode }).close();
    widenMode(path, mode);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw fileError(error, `create ${path}`);
  }
}

async function prepareForWriting(writer: Connection, path: string, clock: Clock): Promise<void> {
  const version = await whileBusy(clock, () => {
    requireCatalogOrEmpty(writer, path);
    writer.prepare("PRAGMA journal_mode = WAL").get();
    // A commit returns only when it is on disk (https://www.sqlite.org/pragma.html#pragma_synchronous).
    writer.execute("PRAGMA synchronous = FULL");
    return schemaVersion(writer);
  });
  if (version < MIGRATIONS.length) await inTransaction(writer, clock, () => migrate(writer, path, clock.now()));
}

async function inTransaction<T>(
  writer: Connection,
  clock: Clock,
  work: (connection: Connection) => Promise<T> | T,
): Promise<T> {
  await whileBusy(clock, () => writer.run("BEGIN IMMEDIATE"));
  try {
    const result = await work(writer);
    writer.run("COMMIT");
    return result;
  } catch (error) {
    rollBack(writer);
    throw error;
  }
}

/** SQLite has rolled back by itself after some errors, such as a full disk; then there is nothing left to do. */
function rollBack(writer: Connection): void {
  try {
    writer.run("ROLLBACK");
  } catch {
    return;
  }
}

/** Tries until no other process is in the way, without blocking the thread. */
async function whileBusy<T>(clock: Clock, attempt: () => T): Promise<T> {
  const end = clock.monotonicMs() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (sqliteCode(error) !== "busy" || clock.monotonicMs() > end) throw error;
    }
    await clock.sleep(BUSY_RETRY_MS);
  }
}

/** The archive's own id. */
export function archiveIdOf(database: Database): string {
  return text(database.get("SELECT id FROM archive") ?? {}, "id");
}
