import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { sqliteError } from "./sqlite_error.ts";

/** Readers wait inside SQLite, which happens only while a crash is recovered from or the schema changes. */
const READ_TIMEOUT_MS = 5_000;
/** Searches make statements without end. */
const MAX_STATEMENTS = 200;

/** A connection that keeps its statements prepared. */
export class Connection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, readOnly: boolean) {
    try {
      this.#database = new DatabaseSync(path, { readOnly });
      this.#database.exec(`PRAGMA busy_timeout = ${readOnly ? READ_TIMEOUT_MS : 0}; PRAGMA foreign_keys = ON`);
    } catch (error) {
      throw sqliteError(error, path);
    }
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement !== undefined) return statement;
    if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
    this.#statements.set(sql, statement = this.#database.prepare(sql));
    return statement;
  }

  /** Gives how many rows were changed. */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }

  /** Several statements at once, which give no rows. */
  execute(sql: string): void {
    this.#database.exec(sql);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}
