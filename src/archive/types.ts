/**
 * The words of the archive: a store that keeps content by hash, and a catalog that knows what it is. Both are interfaces,
 * so that content may go to S3 and the catalog to PostgreSQL for archives that outgrow one machine.
 */

import type { Clock } from "../base/clock.ts";
import type { ExtractedMessage, MailContent } from "../message/types.ts";
import type { Query } from "./query.ts";

export interface StoredContent {
  /** SHA-256 of the octets, 64 lower-case hex digits: the mail's ID. */
  readonly sha256: string;
  /** Octets. */
  readonly size: number;
  /** True where the store, or the batch, held them already. */
  readonly existed: boolean;
}

export interface PutOptions {
  /** What the octets have to hash to; anything else is MailteeError "damaged" and stores nothing. */
  readonly expectedSha256?: string;
  readonly signal?: AbortSignal;
}

/** Content that becomes durable together: many mails share their flushes. Every batch is ended by `flush` or `abandon`. */
export interface StoreBatch {
  /**
   * Takes one mail's octets; they aren't in the store before `flush`. A rejected `add` leaves the rest of the batch as it
   * is. Rejects with MailteeError "damaged" (not the expected hash), "disk-full" or "io", and with whatever the content
   * itself throws.
   */
  add(content: MailContent, options?: PutOptions): Promise<StoredContent>;
  /**
   * Puts all that was added into the store. Once it resolves, all of it survives a power cut. Where it rejects
   * (MailteeError "disk-full" or "io") some may be stored; nothing relies on it, and the mails have to be offered again.
   */
  flush(): Promise<void>;
  /** Drops what was added. Never throws; does nothing after `flush`. */
  abandon(): Promise<void>;
}

/** One file of the store, as a listing gives it. */
export type StoreEntry =
  | { readonly kind: "content"; readonly sha256: string; readonly file: string; readonly storedSize: number }
  /** Content in the making, or what a crash left of it. */
  | { readonly kind: "temporary"; readonly file: string; readonly modified: number }
  /** Something that the store didn't make. */
  | { readonly kind: "foreign"; readonly file: string };

/** What `check` found. */
export type StoreCheck =
  | { readonly state: "sound"; readonly size: number }
  | { readonly state: "missing" }
  /** `mailIsWhole`: what can be read is still the mail, octet for octet; only its stored form was changed. */
  | { readonly state: "damaged"; readonly reason: string; readonly mailIsWhole: boolean }
  | { readonly state: "unreadable"; readonly reason: string };

/** Content by the SHA-256 of its octets; written once, never changed. */
export interface Store {
  /** Stores one content durably; a batch of one. */
  put(content: MailContent, options?: PutOptions): Promise<StoredContent>;
  batch(): StoreBatch;
  has(sha256: string): Promise<boolean>;
  /**
   * The octets, piece by piece, in memory bounded however large they are. Ends with MailteeError "not-found" where there
   * is no such content, "damaged" where the octets aren't those that were stored (only at the end for a wrong hash, so
   * whoever needs to know must read on), "io".
   */
  open(sha256: string): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** The octets whole, verified; for mails that fit into memory. Rejects as `open` ends. */
  read(sha256: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Reads one content to its end and checks every stored octet. Never rejects. */
  check(sha256: string): Promise<StoreCheck>;
  /** Everything in the store, in no promised order. */
  list(): AsyncIterable<StoreEntry>;
}

/** How an address took part in a transmission. */
export type AddressRole = "sender" | "recipient" | "pop3-user";

export interface CaptureAddress {
  readonly role: AddressRole;
  /** In its exact spelling; the catalog compares it as `normalizeAddress` of `message` has it. */
  readonly address: string;
}

/** One mail seen once on the wire, or imported. */
export interface CaptureRecord {
  /** The capture's ULID. An import makes an id that is the same whenever the same mail is imported for the same user. */
  readonly id: string;
  /** Name of the file that it came from. */
  readonly file: string;
  readonly proxy: { readonly name: string; readonly kind: "smtp" | "lmtp" | "pop3" | "import" };
  /** IP address of the client; "" where there is none. */
  readonly client: string;
  /** When the transmission began, milliseconds since the epoch. */
  readonly started: number;
  readonly outcome: "accepted" | "retrieved" | "unknown" | "imported";
  /** The envelope sender unless it's null, every accepted recipient, the POP3 user. */
  readonly addresses: readonly CaptureAddress[];
  /** The whole transmission report, kept as JSON. */
  readonly report: unknown;
}

/** What a run adds: a capture, the mail in it (already in the store), and whose it is. */
export interface NewCapture {
  readonly capture: CaptureRecord;
  readonly mail: { readonly sha256: string; readonly size: number; readonly extracted: ExtractedMessage };
  /** Names of users. */
  readonly users: readonly string[];
}

/** What became of a NewCapture, in the order they were given. */
export type AddedCapture =
  | { readonly state: "added"; readonly newMail: boolean }
  /** A capture of this id with the same mail is in the catalog; nothing was changed. */
  | { readonly state: "already-archived" }
  /** A capture of this id with another mail is in the catalog; nothing was changed. */
  | { readonly state: "conflict"; readonly archivedSha256: string };

export interface ArchiveUser {
  readonly name: string;
  /** Addresses and patterns: "anna@company.example", "*@company.example". */
  readonly addresses: readonly string[];
  readonly pop3Users: readonly string[];
}

export interface CatalogUser extends ArchiveUser {
  /** How many mails are theirs. */
  readonly mails: number;
  /** True where the config no longer has this user. */
  readonly removed: boolean;
}

/** What `syncUsers` did. */
export interface UserSync {
  /** Names of users that are new, or have other addresses than before. */
  readonly changed: readonly string[];
  /** Names of users that the config no longer has; their mails stay theirs. */
  readonly removed: readonly string[];
  /** How many mails of earlier runs were assigned to a user they didn't belong to before. */
  readonly assigned: number;
}

/** A file of a drop folder that an earlier run looked at and left there. */
export interface SeenFile {
  readonly file: string;
  readonly size: number;
  /** Modification time, milliseconds since the epoch; with the size it tells whether the file is still the same. */
  readonly modified: number;
  readonly captureId: string;
  readonly state: "archived" | "unassigned";
  /** For unassigned ones: the addresses that nobody has. */
  readonly addresses: readonly CaptureAddress[];
}

/** The result protocol of a profile run (contracts: the archive). */
export interface RunProtocol {
  readonly profile: string;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly finished: string;
  readonly found: number;
  readonly archived: number;
  readonly alreadyArchived: number;
  readonly unassigned: number;
  readonly failed: number;
  readonly deleted: number;
  /** Octets of the mails that were archived. */
  readonly bytes: number;
  readonly notArchived: readonly NotArchived[];
}

export interface NotArchived {
  readonly file: string;
  /** "unassigned", or what went wrong: "malformed", "damaged", … */
  readonly code: string;
  readonly reason: string;
  readonly addresses: readonly string[];
}

export interface RunRecord {
  /** ULID. */
  readonly id: string;
  readonly profile: string;
  readonly started: string;
  /** Null while the run is under way, and for ever where it died. */
  readonly protocol: RunProtocol | null;
}

/** A mail as searches and `show` list it. */
export interface MailSummary {
  readonly sha256: string;
  readonly size: number;
  /** When the mail was written, milliseconds since the epoch; when it was first seen where its Date field can't be right. */
  readonly date: number;
  readonly subject: string;
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  readonly messageId: string;
  readonly attachments: readonly string[];
  /** Names of the users that it belongs to, sorted. */
  readonly users: readonly string[];
}

export interface SearchOptions {
  /** @default 50 */
  readonly limit?: number;
  /**
   * "date": newest first. "rank": best match first among the newest `ranked` mails found, then older ones by date. A mail
   * matches better the more of the words it has in its header: in the subject best, then From, the names of attachments,
   * To and Cc; among equals the newest is first. The same as "date" where the query has no words. @default "date"
   */
  readonly by?: "date" | "rank";
  /** @default 2000 */
  readonly ranked?: number;
  /** Where the page before ended: its `next`. */
  readonly after?: string;
}

export interface SearchPage {
  readonly mails: readonly MailSummary[];
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
}

/** What an ID or a prefix of one leads to. */
export type ResolvedId =
  | { readonly kind: "found"; readonly sha256: string }
  /** Fewer than 6 digits, more than 64, or no hex digits. */
  | { readonly kind: "invalid"; readonly reason: string }
  | { readonly kind: "not-found" }
  /** Up to ten of the mails that it may mean. */
  | { readonly kind: "ambiguous"; readonly candidates: readonly string[] };

export interface ArchiveTotals {
  readonly mails: number;
  readonly captures: number;
  readonly users: number;
  /** Octets of all mails before compression. */
  readonly bytes: number;
  /** Date of the oldest and the newest mail, milliseconds since the epoch; null for an empty archive. */
  readonly oldest: number | null;
  readonly newest: number | null;
}

/** What the archive knows of its mails. Every method may reject with MailteeError "busy", "disk-full", "io" or "damaged". */
export interface Catalog {
  /** The archive's own ULID, made with it. */
  readonly archiveId: string;

  /**
   * Adds captures, their mails, assignments and index entries in one transaction: all or nothing, and durable once it
   * resolves. Their content must have been flushed to the store before.
   */
  addCaptures(captures: readonly NewCapture[], runId?: string): Promise<readonly AddedCapture[]>;
  /** Those of the capture ids that are in the catalog, with their mails' SHA-256. */
  archivedCaptures(captureIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  isArchived(captureId: string): Promise<boolean>;

  /**
   * Makes the catalog's users those of the config. Mails of earlier runs are assigned to users whose addresses now match.
   * Nothing is ever taken from a user: addresses and users that are gone from the config keep the mails they have.
   */
  syncUsers(users: readonly ArchiveUser[]): Promise<UserSync>;
  /** Sorted by name, with those that the config no longer has. */
  users(): Promise<readonly CatalogUser[]>;

  /** Gives the run's id. */
  startRun(run: { readonly profile: string; readonly started: string }): Promise<string>;
  /** Keeps the protocol, with whatever fields it has beyond RunProtocol's. */
  finishRun(runId: string, protocol: RunProtocol): Promise<void>;
  /** Newest first. */
  runs(options?: { readonly profile?: string; readonly limit?: number }): Promise<readonly RunRecord[]>;

  /** The files of a drop folder that were left there, by name. `folder` is the folder's path, made absolute. */
  seenFiles(folder: string): Promise<ReadonlyMap<string, SeenFile>>;
  /** Remembers files, and forgets others by their names, in one transaction. */
  updateSeenFiles(
    folder: string,
    changes: { readonly remember?: readonly SeenFile[]; readonly forget?: readonly string[] },
  ): Promise<void>;

  search(query: Query, options?: SearchOptions): Promise<SearchPage>;
  /** How many mails a query finds. */
  count(query: Query): Promise<number>;
  resolveId(idOrPrefix: string): Promise<ResolvedId>;
  /** Null where there is no such mail. */
  mail(sha256: string): Promise<MailSummary | null>;
  /** All captures of a mail, oldest first. */
  captures(sha256: string): Promise<readonly CaptureRecord[]>;
  /** Every mail, in the order of their hashes. */
  allMails(): AsyncIterable<{ readonly sha256: string; readonly size: number }>;
  totals(): Promise<ArchiveTotals>;

  /** SQLite's own checks of tables and full-text index; one sentence for each damage. */
  check(): Promise<readonly string[]>;
  close(): void;
}

export interface ArchiveOptions {
  /** @default systemClock */
  readonly clock?: Clock;
  /** Changes nothing, and needs an archive that is there. @default false */
  readonly readOnly?: boolean;
  /** @default 0o600 */
  readonly fileMode?: number;
  /** @default 0o700 */
  readonly folderMode?: number;
  /** How many mails a part of the full-text index takes before the next is begun. @default 16384 */
  readonly indexPartMails?: number;
}

export interface Archive {
  /** Its folder. */
  readonly path: string;
  readonly store: Store;
  readonly catalog: Catalog;
  close(): void;
}
