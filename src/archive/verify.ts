/** Checking a whole archive: every stored octet, and whether catalog and store agree. */

import { errorText, hasCode } from "../base/errors.ts";
import type { Archive, MailSummary, StoreCheck, StoreEntry } from "./types.ts";

/** Something that isn't as it was stored. */
export interface Damage {
  /**
   * missing: the store lacks a mail that the catalog knows · content: a stored mail isn't what was stored · size: the
   * catalog has another size · unreadable: the system couldn't read it · catalog: SQLite's own checks failed.
   */
  readonly code: "missing" | "content" | "size" | "unreadable" | "catalog";
  /** One sentence. */
  readonly reason: string;
  /** The mail that is hit; null for damage of the catalog as a whole. */
  readonly sha256: string | null;
  /** What the catalog knows of that mail. */
  readonly mail: MailSummary | null;
  /** The captures that brought it. */
  readonly captures: readonly { readonly id: string; readonly file: string }[];
}

/** Something in the store that no mail needs. It does no harm. */
export interface Leftover {
  /**
   * unknown: a mail that the catalog doesn't know, as a crash between store and catalog leaves it; its capture was not
   * reported as archived, and the next run finds it there · temporary: a mail in the making, or what a crash left of one ·
   * foreign: a file that isn't the store's.
   */
  readonly code: "unknown" | "temporary" | "foreign";
  readonly file: string;
}

export type VerifyEvent =
  | { readonly kind: "progress"; readonly checked: number; readonly total: number }
  | { readonly kind: "damage"; readonly damage: Damage }
  | { readonly kind: "leftover"; readonly leftover: Leftover };

/**
 * Reads every mail of the archive and tells what it finds, in memory bounded however large the archive is. Mails may be
 * archived meanwhile. Rejects with the signal's reason, and with MailteeError "io" where the store's folder can't be
 * listed.
 */
export async function* verifyArchive(
  archive: Archive,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<VerifyEvent, void, undefined> {
  yield* verifyCatalog(archive);
  yield* verifyMails(archive, options.signal);
  yield* findLeftovers(archive, options.signal);
}

async function* verifyCatalog({ catalog }: Archive): AsyncGenerator<VerifyEvent> {
  try {
    for (const reason of await catalog.check()) yield catalogDamage(reason);
  } catch (error) {
    if (!hasCode(error, "damaged")) throw error;
    yield catalogDamage(errorText(error));
  }
}

function catalogDamage(reason: string): VerifyEvent {
  return { kind: "damage", damage: { code: "catalog", reason, sha256: null, mail: null, captures: [] } };
}

async function* verifyMails(archive: Archive, signal: AbortSignal | undefined): AsyncGenerator<VerifyEvent> {
  const { mails: total } = await archive.catalog.totals();
  let checked = 0;
  for await (const { sha256, size } of archive.catalog.allMails()) {
    signal?.throwIfAborted();
    const found = damageOf(await archive.store.check(sha256), size);
    if (found !== null) yield { kind: "damage", damage: { ...found, ...await whatIsHit(archive, sha256) } };
    yield { kind: "progress", checked: ++checked, total: Math.max(total, checked) };
  }
}

function damageOf(check: StoreCheck, size: number): Pick<Damage, "code" | "reason"> | null {
  switch (check.state) {
    case "missing":
      return { code: "missing", reason: "its file is missing from the store" };
    case "damaged":
      return { code: "content", reason: check.reason };
    case "unreadable":
      return { code: "unreadable", reason: check.reason };
    case "sound":
      if (check.size === size) return null;
      return { code: "size", reason: `the catalog says ${size} octets, the mail has ${check.size}` };
  }
}

async function whatIsHit(
  { catalog }: Archive,
  sha256: string,
): Promise<Pick<Damage, "sha256" | "mail" | "captures">> {
  const captures = (await catalog.captures(sha256)).map(({ id, file }) => ({ id, file }));
  return { sha256, mail: await catalog.mail(sha256), captures };
}

async function* findLeftovers(
  { catalog, store }: Archive,
  signal: AbortSignal | undefined,
): AsyncGenerator<VerifyEvent> {
  for await (const entry of store.list()) {
    signal?.throwIfAborted();
    const code = entry.kind === "content" ? await unknownContent(entry, catalog) : entry.kind;
    if (code !== null) yield { kind: "leftover", leftover: { code, file: entry.file } };
  }
}

async function unknownContent(
  entry: StoreEntry & { readonly kind: "content" },
  catalog: Archive["catalog"],
): Promise<"unknown" | null> {
  return await catalog.mail(entry.sha256) === null ? "unknown" : null;
}
