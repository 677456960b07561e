/** Captures and their mails in the catalog: adding them, and reading them back. */

import { normalizeAddress } from "../message/addresses.ts";
import type { Connection } from "./connection.ts";
import { takePart } from "./index_parts.ts";
import { addMailText, replaceMailText } from "./mail_text.ts";
import { integer, json, oneOf, type Row, text } from "./row.ts";
import type { AddedCapture, AddressRole, CaptureAddress, CaptureRecord, NewCapture } from "./types.ts";

const KINDS = ["smtp", "lmtp", "pop3", "import"] as const;
const OUTCOMES = ["accepted", "retrieved", "unknown", "imported"] as const;
const ROLES: readonly AddressRole[] = ["sender", "recipient", "pop3-user"];

/** What captures that are added together have in common. */
export interface Addition {
  readonly runId: string | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How many mails a part of the full-text index takes. */
  readonly partMails: number;
}

/** Adds one capture, inside a transaction of the caller. */
export function addCapture(connection: Connection, added: NewCapture, addition: Addition): AddedCapture {
  const { runId, now } = addition;
  const { capture, mail } = added;
  const archived = archivedSha256(connection, capture.id);
  if (archived === mail.sha256) return { state: "already-archived" };
  if (archived !== null) return { state: "conflict", archivedSha256: archived };
  const known = connection.prepare("SELECT id, index_part FROM mail WHERE sha256 = ?").get(mail.sha256);
  const { mailId, part } = known === undefined
    ? insertMail(connection, added, addition)
    : { mailId: integer(known, "id"), part: integer(known, "index_part") };
  const addressesBefore = known === undefined ? [] : addressesOfMail(connection, mailId);
  insertCapture(connection, added, mailId, runId, now);
  const addresses = addressesOfMail(connection, mailId);
  if (known === undefined) addMailText(connection, part, mailId, mail.extracted, addresses);
  else if (addresses.length > addressesBefore.length) {
    // The index has a mail's envelope addresses too.
    replaceMailText(connection, part, mailId, mail.extracted, addresses);
  }
  for (const user of added.users) assign(connection, user, mailId, capture.id, now);
  return { state: "added", newMail: known === undefined };
}

/** The time that a mail is sorted by: its own, unless it is before the age of mail or after it was archived. */
export function mailDate(captured: NewCapture, now: number): number {
  const { date } = captured.mail.extracted;
  return date !== null && date >= EARLIEST_DATE && date <= now + DATE_TOLERANCE_MS ? date : captured.capture.started;
}

const EARLIEST_DATE = Date.UTC(1971, 0, 1);
const DATE_TOLERANCE_MS = 2 * 24 * 60 * 60 * 1000;

/** Ids of mails have this much room within a second. */
const IDS_PER_SECOND = 2 ** 20;

/** The first id that a mail of this time, in milliseconds, can have; all mails before it have smaller ids. */
export function firstMailId(time: number): bigint {
  return BigInt(Math.max(0, Math.ceil(time / 1000)) * IDS_PER_SECOND);
}

function insertMail(
  connection: Connection,
  captured: NewCapture,
  { now, partMails }: Addition,
): { readonly mailId: number; readonly part: number } {
  const { sha256, size, extracted } = captured.mail;
  const date = mailDate(captured, now);
  const mailId = freeMailId(connection, date);
  const part = takePart(connection, mailId, partMails);
  connection.run(
    `INSERT INTO mail (id, sha256, size, date, subject, sender, recipients, cc, message_id, attachments,
      attachment_count, problems, index_part, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    BigInt(mailId),
    sha256,
    size,
    date,
    extracted.subject,
    extracted.from,
    extracted.to,
    extracted.cc,
    extracted.messageId,
    JSON.stringify(extracted.attachments.map(({ name, contentType }) => name || contentType)),
    extracted.attachments.length,
    JSON.stringify(extracted.problems),
    part,
    now,
  );
  return { mailId, part };
}

function freeMailId(connection: Connection, date: number): number {
  const first = Math.max(0, Math.floor(date / 1000)) * IDS_PER_SECOND;
  // Where a second is nearly full, the next ones are used too.
  for (let tries = 1;; tries++) {
    const id = first + Math.floor(Math.random() * IDS_PER_SECOND * Math.ceil(tries / 16));
    if (connection.prepare("SELECT 1 FROM mail WHERE id = ?").get(BigInt(id)) === undefined) return id;
  }
}

function insertCapture(
  connection: Connection,
  { capture }: NewCapture,
  mailId: number,
  runId: string | null,
  now: number,
): void {
  connection.run(
    `INSERT INTO capture (id, mail, file, proxy, kind, client, started, outcome, run, report, added)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    capture.id,
    BigInt(mailId),
    capture.file,
    capture.proxy.name,
    capture.proxy.kind,
    capture.client,
    Math.floor(capture.started),
    capture.outcome,
    runId,
    JSON.stringify(capture.report),
    now,
  );
  capture.addresses.forEach(({ role, address }, place) => {
    connection.run(
      "INSERT INTO capture_address (capture, place, role, address, spelled) VALUES (?, ?, ?, ?, ?)",
      capture.id,
      place,
      role,
      addressId(connection, normalizeAddress(address)),
      address,
    );
  });
}

function addressId(connection: Connection, address: string): number {
  const find = () => connection.prepare("SELECT id FROM address WHERE address = ?").get(address);
  const known = find();
  if (known !== undefined) return integer(known, "id");
  connection.run("INSERT INTO address (address) VALUES (?)", address);
  return integer(find() ?? {}, "id");
}

/** The envelope addresses of all of a mail's captures, each once for each role. */
export function addressesOfMail(connection: Connection, mailId: number): CaptureAddress[] {
  const rows = connection.prepare(
    `SELECT role, min(spelled) AS spelled FROM capture JOIN capture_address ON capture_address.capture = capture.id
      WHERE capture.mail = ? GROUP BY role, address`,
  ).all(BigInt(mailId));
  return rows.map((row) => ({ role: oneOf(row, "role", ROLES), address: text(row, "spelled") }));
}

/**
 * A row by VALUES, not by SELECT: for statements that may insert several rows SQLite makes a savepoint, at which FTS5 writes
 * out what it has gathered, and that costs more than all else.
 */
function assign(connection: Connection, user: string, mailId: number, captureId: string, now: number): void {
  connection.run(
    "INSERT OR IGNORE INTO assignment (user, mail, capture, added) VALUES (?, ?, ?, ?)",
    userId(connection, user),
    BigInt(mailId),
    captureId,
    now,
  );
}

function userId(connection: Connection, name: string): number {
  const find = () => connection.prepare("SELECT id FROM user WHERE name = ?").get(name);
  const known = find();
  if (known !== undefined) return integer(known, "id");
  connection.run(
    "INSERT INTO user (name, folded_name, addresses, pop3_users) VALUES (?, ?, '[]', '[]')",
    name,
    foldName(name),
  );
  return integer(find() ?? {}, "id");
}

/** Names of users as they compare. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

function archivedSha256(connection: Connection, captureId: string): string | null {
  const row = connection.prepare("SELECT sha256 FROM capture JOIN mail ON mail.id = capture.mail WHERE capture.id = ?")
    .get(captureId);
  return row === undefined ? null : text(row, "sha256");
}

/** A row of `capture` with its addresses, which are rows of `capture_address` in the order of their places. */
export function captureRecord(row: Row, addresses: readonly Row[]): CaptureRecord {
  return {
    id: text(row, "id"),
    file: text(row, "file"),
    proxy: { name: text(row, "proxy"), kind: oneOf(row, "kind", KINDS) },
    client: text(row, "client"),
    started: integer(row, "started"),
    outcome: oneOf(row, "outcome", OUTCOMES),
    addresses: addresses.map((address) => ({
      role: oneOf(address, "role", ROLES),
      address: text(address, "spelled"),
    })),
    report: json(row, "report"),
  };
}

/** The roles that JSON may name. */
export function isAddressRole(value: unknown): value is AddressRole {
  return ROLES.some((role) => role === value);
}
