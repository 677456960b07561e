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
/** Mails among the newer ones of those remembered, by this part, needn't be noted as in use: that takes 8 µs each. */
const NEW_PART = 0.5;
/** Of so many mails that were fetched again it is noted at once that they are in use; one by one that took 0.16 ms each. */
const RENEWALS_AT_ONCE = 500;
/** So many mails that were found are kept in memory, with 130 bytes each: to find one in the file takes 11 µs. */
const MAX_RECENT_MAILS = 50_000;

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
  #renewals: string[] = [];
  /** Ages of mails that were found lately, by key. */
  readonly #recent = new Map<string, number>();
  #count: number;
  /** The greatest age. Others that write to the file may have given a greater one since. */
  #newest: number;
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
    const age = this.#recent.get(key) ?? this.#ageInFile(key);
    if (age === null) return false;
    if (age <= this.#newest - this.#maxMails * NEW_PART) this.#noteInUse(key);
    return true;
  }

  add(mail: SeenMail): void {
    this.#attempt(() => {
      const { changes, lastInsertRowid } = this.#insert.run(inFile(keyOf(mail)));
      if (changes === 0) return;
      this.#count++;
      this.#newest = Number(lastInsertRowid);
      if (this.#count <= this.#maxMails) return;
      this.#renewAll();
      this.#recent.clear();
      const forgotten = Math.ceil(this.#maxMails * FORGOTTEN_PART);
      this.#count -= Number(this.#forget.run(forgotten - 1).changes);
    });
  }

  close(): void {
    this.#attempt(() => this.#renewAll());
    this.#database.close();
  }

  #ageInFile(key: string): number | null {
    const found = this.#attempt(() => this.#find.get(inFile(key)));
    if (found === undefined) return null;
    const age = Number(found.age);
    this.#keepRecent(key, age);
    return age;
  }

  #keepRecent(key: string, age: number): void {
    if (this.#recent.size >= MAX_RECENT_MAILS) this.#recent.clear();
    this.#recent.set(key, age);
  }

  #noteInUse(key: string): void {
    this.#keepRecent(key, this.#newest + 1);
    if (this.#renewals.push(key) >= RENEWALS_AT_ONCE) this.#attempt(() => this.#renewAll());
  }

  #renewAll(): void {
    const keys = this.#renewals;
    this.#renewals = [];
    if (keys.length === 0) return;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const key of keys) this.#newest += Number(this.#renew.run(inFile(key)).changes);
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

/** A hash over all three, in hex, with no way to move a border between them. */
function keyOf({ account, uid, sha256 }: SeenMail): string {
  return hash("sha256", JSON.stringify([account, uid, sha256]), "hex");
}

/** 128 bits of a key, as the file has them. */
function inFile(key: string): Uint8Array {
  return Uint8Array.fromHex(key.slice(0, 32));
}
