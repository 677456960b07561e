/** The catalog on SQLite. */

import type { Clock } from "../base/clock.ts";
import { createUlidMaker } from "../base/ids.ts";
import { addCapture, mailDate } from "./captures.ts";
import { checkDatabase } from "./check_database.ts";
import { archiveIdOf, Database, type DatabaseOptions } from "./database.ts";
import { allMails, archiveTotals, capturesOf, mailOf, resolveId } from "./mails.ts";
import type { Query } from "./query.ts";
import { text } from "./row.ts";
import { keepProtocol, runRecords } from "./run_log.ts";
import { countMails, searchMails } from "./search.ts";
import { seenFiles, updateSeenFiles } from "./seen_files.ts";
import type {
  AddedCapture,
  ArchiveTotals,
  ArchiveUser,
  CaptureRecord,
  Catalog,
  CatalogUser,
  MailSummary,
  NewCapture,
  ResolvedId,
  RunProtocol,
  RunRecord,
  SearchOptions,
  SearchPage,
  SeenFile,
  UserSync,
} from "./types.ts";
import { catalogUsers, syncUsers } from "./users.ts";

/** So long the thread may be kept from other work while mails are indexed. */
const MAX_BLOCKING_MS = 10;

export interface CatalogOptions extends DatabaseOptions {
  /** How many mails a part of the full-text index takes. */
  readonly indexPartMails: number;
}

/** Opens the catalog in a file. Rejects as `Database.open`. */
export async function openCatalog(path: string, options: CatalogOptions): Promise<SqliteCatalog> {
  return new SqliteCatalog(await Database.open(path, options), options);
}

export class SqliteCatalog implements Catalog {
  readonly archiveId: string;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #makeId: () => string;
  readonly #partMails: number;

  constructor(database: Database, { clock, indexPartMails }: CatalogOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#partMails = indexPartMails;
    this.#makeId = createUlidMaker(() => clock.now());
    this.archiveId = archiveIdOf(database);
  }

  addCaptures(captures: readonly NewCapture[], runId?: string): Promise<readonly AddedCapture[]> {
    const now = this.#now();
    const addition = { runId: runId ?? null, now, partMails: this.#partMails };
    // The index takes rows in the order of their ids, which is that of dates, much faster than in any other.
    const order = captures.map((capture, place) => ({ capture, place, date: mailDate(capture, now) }))
      .sort((a, b) => a.date - b.date);
    return this.#database.transaction(async (connection) => {
      const results = new Map<number, AddedCapture>();
      let began = this.#clock.monotonicMs();
      for (const { capture, place } of order) {
        results.set(place, addCapture(connection, capture, addition));
        if (this.#clock.monotonicMs() - began < MAX_BLOCKING_MS) continue;
        await letOthersRun();
        began = this.#clock.monotonicMs();
      }
      return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
    });
  }

  archivedCaptures(captureIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return Promise.try(() => {
      const rows = this.#database.all(
        `SELECT capture.id AS id, mail.sha256 AS sha256 FROM capture JOIN mail ON mail.id = capture.mail
          WHERE capture.id IN (SELECT value FROM json_each(?))`,
        JSON.stringify(captureIds),
      );
      return new Map(rows.map((row) => [text(row, "id"), text(row, "sha256")]));
    });
  }

  async isArchived(captureId: string): Promise<boolean> {
    return (await this.archivedCaptures([captureId])).has(captureId);
  }

  syncUsers(users: readonly ArchiveUser[]): Promise<UserSync> {
    const now = this.#now();
    return this.#database.transaction((connection) => syncUsers(connection, users, now));
  }

  users(): Promise<readonly CatalogUser[]> {
    return Promise.try(() => catalogUsers(this.#database));
  }

  async startRun(run: { readonly profile: string; readonly started: string }): Promise<string> {
    const id = this.#makeId();
    await this.#database.transaction((connection) =>
      connection.run("INSERT INTO run (id, profile, started) VALUES (?, ?, ?)", id, run.profile, run.started)
    );
    return id;
  }

  async finishRun(runId: string, protocol: RunProtocol): Promise<void> {
    await this.#database.transaction((connection) => keepProtocol(connection, runId, protocol));
  }

  runs(
    options: { readonly profile?: string; readonly limit?: number } = {},
  ): Promise<readonly RunRecord[]> {
    return Promise.try(() => runRecords(this.#database, options));
  }

  seenFiles(folder: string): Promise<ReadonlyMap<string, SeenFile>> {
    return Promise.try(() => seenFiles(this.#database, folder));
  }

  updateSeenFiles(
    folder: string,
    changes: { readonly remember?: readonly SeenFile[]; readonly forget?: readonly string[] },
  ): Promise<void> {
    return this.#database.transaction((connection) => updateSeenFiles(connection, folder, changes));
  }

  search(query: Query, options: SearchOptions = {}): Promise<SearchPage> {
    return Promise.try(() => searchMails(this.#database, query, options));
  }

  count(query: Query): Promise<number> {
    return Promise.try(() => countMails(this.#database, query));
  }

  resolveId(idOrPrefix: string): Promise<ResolvedId> {
    return Promise.try(() => resolveId(this.#database, idOrPrefix));
  }

  mail(sha256: string): Promise<MailSummary | null> {
    return Promise.try(() => mailOf(this.#database, sha256));
  }

  captures(sha256: string): Promise<readonly CaptureRecord[]> {
    return Promise.try(() => capturesOf(this.#database, sha256));
  }

  allMails(): AsyncIterable<{ readonly sha256: string; readonly size: number }> {
    return allMails(this.#database);
  }

  totals(): Promise<ArchiveTotals> {
    return Promise.try(() => archiveTotals(this.#database));
  }

  check(): Promise<readonly string[]> {
    return Promise.try(() => checkDatabase(this.#database));
  }

  close(): void {
    this.#database.close();
  }

  #now(): number {
    return Math.floor(this.#clock.now());
  }
}

/** A macrotask, so that sessions go on and memory is collected. */
function letOthersRun(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
