/** Which mails were captured before, for `recapture: "never"`. */

import { hash } from "node:crypto";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { errorText, MailteeError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";

/** A mail as one account's client fetched it. */
export interface SeenMail {
  /** Server and user. */
  readonly account: string;
  readonly uid: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface SeenMails {
  /** True only where account, UID and content all are those of a capture that was kept. */
  has(mail: SeenMail): boolean;
  /** A capture was kept. */
  add(mail: SeenMail): void;
  close(): void;
}

/** So many mails are remembered; those that weren't fetched for a long time are forgotten first. */
const MAX_MAILS = 500_000;
/** How many are forgotten at once, as a part of those remembered. */
const FORGOTTEN_PART = 0.02;
const BUSY_TIMEOUT_MS = 250;
/** Mails among the newer ones of those remembered, by this part, needn't be noted as in use: noting takes 7 µs each. */
const NEW_PART = 0.5;
/** Of so many mails that were fetched again it is noted at once that they are in use; one by one that took 0.16 ms each. */
const RENEWALS_AT_ONCE = 500;

/**
 * Remembers mails in an SQLite file, about 60 bytes each. Neither method throws: what can't be read or written counts
 * as not seen, and is captured once more. For the same reason nothing is flushed to disk here: a power cut costs a
 * second capture, which the archive stores once.
 *
 * Throws MailteeError "io" where the file can't be opened or made anew.
 */
export function openSeenMails(path: string, log: Logger, maxMails: number = MAX_MAILS): SeenMails {
  try {
    return new SeenFile(openDatabase(path), log, maxMails);
  } catch (error) {
    throw new MailteeError("io", `cannot open ${path}: ${errorText(error)}`, { cause: error });
  }
}

/** What SQLite says of a file that isn't one of its own any more; node:sqlite gives no other sign. */
const DAMAGE = /not a database|malformed/;

/** A file that isn't a sound database is replaced: all that is lost is what it remembered. */
function openDatabase(path: string): DatabaseSync {
  try {
    return checkedDatabase(path);
  } catch (error) {
    if (!DAMAGE.test(errorText(error))) throw error;
    Deno.removeSync(path);
    return checkedDatabase(path);
  }
}

function checkedDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(`
      PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};
      PRAGMA journal_mode = TRUNCATE;
      PRAGMA synchronous = OFF;
      CREATE TABLE IF NOT EXISTS seen (age INTEGER PRIMARY KEY, mail BLOB NOT NULL UNIQUE) STRICT;
    `);
    const check = database.prepare("PRAGMA quick_check").get()?.quick_check;
    if (check !== "ok") throw new Error(`malformed: ${check}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

class SeenFile implements SeenMails {
  readonly #database: DatabaseSync;
  readonly #log: Logger;
  readonly #maxMails: number;
  readonly #find: StatementSync;
  /** Gives a mail the greatest age again; changes nothing where it isn't there. */
  readonly #renew: StatementSync;
  readonly #insert: StatementSync;
  readonly #forget: StatementSync;
  /** Keys of mails that are to be renewed. */
  #renewals: Uint8Array[] = [];
  #count: number;
  /** The greatest age. Others that write to the file may have given a greater one since. */
  #newest: number;
  /** Look-ups share one read of the file, until this turn of the event loop is over. */
  #reading = false;
  #failing = false;

  constructor(database: DatabaseSync, log: Logger, maxMails: number) {
    this.#database = database;
    this.#log = log;
    this.#maxMails = maxMails;
    this.#find = database.prepare("SELECT age FROM seen WHERE mail = ?");
    this.#renew = database.prepare("UPDATE seen SET age = (SELECT max(age) + 1 FROM seen) WHERE mail = ?");
    this.#insert = database.prepare("INSERT OR IGNORE INTO seen (mail) VALUES (?)");
    this.#forget = database.prepare(
      "DELETE FROM seen WHERE age <= (SELECT age FROM seen ORDER BY age LIMIT 1 OFFSET ?)",
    );
    const totals = database.prepare("SELECT count(*) AS count, max(age) AS newest FROM seen").get();
    this.#count = Number(totals?.count ?? 0);
    this.#newest = Number(totals?.newest ?? 0);
  }

  has(mail: SeenMail): boolean {
    const key = keyOf(mail);
    const found = this.#attempt(() => {
      this.#beginRead();
      return this.#find.get(key);
    });
    if (found === undefined) return false;
    const isNew = Number(found.age) > this.#newest - this.#maxMails * NEW_PART;
    if (!isNew && this.#renewals.push(key) >= RENEWALS_AT_ONCE) this.#attempt(() => this.#renewAll());
    return true;
  }

  add(mail: SeenMail): void {
    this.#attempt(() => {
      this.#endRead();
      const { changes, lastInsertRowid } = this.#insert.run(keyOf(mail));
      if (changes === 0) return;
      this.#count++;
      this.#newest = Number(lastInsertRowid);
      if (this.#count <= this.#maxMails) return;
      this.#renewAll();
      const forgotten = Math.ceil(this.#maxMails * FORGOTTEN_PART);
      this.#count -= Number(this.#forget.run(forgotten - 1).changes);
    });
  }

  close(): void {
    this.#attempt(() => this.#renewAll());
    this.#database.close();
  }

  /** Locking the file for each look-up took 10 µs of 12. */
  #beginRead(): void {
    if (this.#reading) return;
    this.#database.exec("BEGIN");
    this.#reading = true;
    queueMicrotask(() => this.#attempt(() => this.#endRead()));
  }

  #endRead(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#database.exec("COMMIT");
  }

  #renewAll(): void {
    this.#endRead();
    const keys = this.#renewals;
    this.#renewals = [];
    if (keys.length === 0) return;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const key of keys) this.#newest += Number(this.#renew.run(key).changes);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** Undefined where it failed; the first of several failures in a row is logged. */
  #attempt<Result>(action: () => Result): Result | undefined {
    try {
      const result = action();
      this.#failing = false;
      return result;
    } catch (error) {
      if (!this.#failing) {
        this.#log.warn("What was captured before can't be looked up, so mails are captured again: {problem}", {
          problem: errorText(error),
        });
      }
      this.#failing = true;
      return undefined;
    }
  }
}

/** 128 bits of a hash over all three, with no way to move a border between them. */
function keyOf({ account, uid, sha256 }: SeenMail): Uint8Array {
  return hash("sha256", JSON.stringify([account, uid, sha256]), "buffer").subarray(0, 16);
}
