import { createHash } from "node:crypto";
import type { Archive, ArchiveUser, CaptureRecord, NotArchived } from "../../archive/types.ts";
import { concatBytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { errorText, MailteeError } from "../../base/errors.ts";
import { fileError } from "../../base/files.ts";
import { nearest } from "../../base/nearest.ts";
import { extractMessage } from "../../message/extract.ts";
import { createUserDirectory, type UserDirectory } from "../assign.ts";
import { Batch, type MailContent, type ReadCapture } from "../batch.ts";
import { captureRecord } from "../envelope.ts";
import { conflict } from "../examine.ts";
import { interruptible } from "../interruptible.ts";
import { Tally, unassignedReason } from "../tally.ts";
import { DEFAULT_INGEST_LIMITS, type IngestLimits } from "../types.ts";
import { importId } from "./import_id.ts";
import type { Found, ImportItem } from "./item.ts";
import { findMails } from "./sources.ts";

export interface ImportOptions {
  readonly paths: readonly string[];
  /**
   * Whose the mails are; besides, mails with an envelope belong to the users that it names. Null: only these are taken.
   */
  readonly user: string | null;
  readonly archive: Archive;
  readonly users: readonly ArchiveUser[];
  readonly clock: Clock;
  /** Stops the import at the next safe point; what was done until then is kept. */
  readonly signal: AbortSignal;
  /** Hears after each mail how many were looked at. */
  readonly progress?: (done: number, origin: string) => void;
  readonly limits?: Partial<IngestLimits>;
}

/** What an import did, in the words of a profile run's result protocol; `file` of `notArchived` says where a mail is. */
export interface ImportResult {
  readonly user: string | null;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly finished: string;
  readonly found: number;
  readonly archived: number;
  /** Mails that these users have already. */
  readonly alreadyArchived: number;
  /** Mails without an envelope where no user was named, and those whose envelope names no user. */
  readonly unassigned: number;
  readonly failed: number;
  readonly bytes: number;
  readonly notArchived: readonly NotArchived[];
  readonly interrupted: boolean;
  readonly interruption: string | null;
}

/**
 * Takes mails from files and folders into the archive. A mail that all its users have already is passed over, so an import
 * can be repeated and cut off at any point. What isn't a mail is reported and stops nothing; files are never changed.
 *
 * Rejects with MailteeError "usage" where the user isn't one of the archive's, and as the archive does.
 */
export async function importMails(options: ImportOptions): Promise<ImportResult> {
  checkUser(options);
  await options.archive.catalog.syncUsers(options.users);
  return await new MailImport(options).carryOut();
}

function checkUser({ user, users }: ImportOptions): void {
  const names = users.map(({ name }) => name);
  if (user === null || names.includes(user)) return;
  const near = nearest(user, names);
  throw new MailteeError("usage", `There is no user '${user}'.`, {
    hint: near !== undefined
      ? `Did you mean '${near}'?`
      : names.length === 0
      ? "Name the user under archive.users in the config first."
      : `The users are ${names.join(", ")}.`,
  });
}

class MailImport {
  readonly #options: ImportOptions;
  readonly #limits: IngestLimits;
  readonly #directory: UserDirectory;
  readonly #batch: Batch<ImportItem>;
  readonly #tally = new Tally();

  constructor(options: ImportOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_INGEST_LIMITS, ...options.limits };
    this.#directory = createUserDirectory(options.users);
    this.#batch = new Batch(options.archive, this.#limits);
  }

  async carryOut(): Promise<ImportResult> {
    const { user, clock, signal } = this.#options;
    const started = new Date(clock.now()).toISOString();
    let interruption: string | null = null;
    try {
      await this.#sweep();
    } catch (error) {
      if (!(error instanceof MailteeError) && !signal.aborted) throw error;
      interruption = errorText(error);
    }
    const { deleted: _none, ...counts } = this.#tally.counts();
    const finished = new Date(clock.now()).toISOString();
    return { user, started, finished, ...counts, interrupted: interruption !== null, interruption };
  }

  async #sweep(): Promise<void> {
    const { paths, signal, progress } = this.#options;
    let done = 0;
    try {
      for (const path of paths) {
        for await (const found of findMails(path)) {
          signal.throwIfAborted();
          this.#tally.found(1);
          await this.#take(found);
          if (this.#batch.full) await this.#commit();
          done++;
          progress?.(done, found.origin);
        }
      }
      await this.#commit();
    } catch (error) {
      if (signal.aborted) await this.#commit();
      throw error;
    } finally {
      await this.#batch.abandon();
    }
  }

  async #take(found: Found): Promise<void> {
    const place = { file: found.origin, path: found.origin };
    if (found.kind === "problem") return this.#tally.failed(place, found.error);
    const users = this.#usersOf(found);
    if (users.length === 0) {
      const envelope = found.addresses;
      const reason = envelope.length > 0 ? unassignedReason(envelope) : "it has no envelope, and no user was named";
      return this.#tally.unassigned(place, envelope, reason);
    }
    const octets = await this.#readable(found);
    if (octets instanceof MailteeError) return this.#tally.failed(place, octets);
    const mail = await this.#options.archive.catalog.mail(octets.sha256);
    if (mail !== null && users.every((user) => mail.users.includes(user))) return this.#tally.alreadyArchived();
    const capture = await this.#newCapture(found, octets, users);
    const state = await this.#batch.add(capture, found, this.#options.signal);
    if (state.kind === "unreadable") this.#tally.failed(place, state.error);
  }

  #usersOf({ addresses }: ImportItem): readonly string[] {
    const { user } = this.#options;
    return [...new Set([...user === null ? [] : [user], ...this.#directory.usersOf(addresses)])];
  }

  /** The mail's octets, held where it's small enough, and what they hash to; an error where they can't be read. */
  async #readable({ content }: ImportItem): Promise<Hashed | MailteeError> {
    try {
      return await hashed(content, this.#limits.wholeMailBytes, this.#options.signal);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      return fileError(error, "read it");
    }
  }

  async #newCapture(item: ImportItem, octets: Hashed, users: readonly string[]): Promise<ReadCapture> {
    const { content, sha256, size } = octets;
    const extracted = await extractMessage(typeof content === "function" ? content() : content);
    return {
      capture: { capture: await this.#record(item, sha256, users), mail: { sha256, size, extracted }, users },
      content,
    };
  }

  /** A capture of our own keeps its id and report; where the archive has it already, for other users, an import is added. */
  async #record(item: ImportItem, sha256: string, users: readonly string[]): Promise<CaptureRecord> {
    const { report, origin, format, received, addresses } = item;
    if (report !== undefined && !await this.#options.archive.catalog.isArchived(report.id)) {
      return captureRecord(report, origin);
    }
    return {
      id: importId(sha256, users),
      file: origin,
      proxy: { name: "import", kind: "import" },
      client: "",
      started: received,
      outcome: "imported",
      addresses,
      report: { format, origin, imported: new Date(this.#options.clock.now()).toISOString(), users, addresses },
    };
  }

  async #commit(): Promise<void> {
    for (const { tag, capture, added } of await this.#batch.commit()) {
      if (added.state === "added") this.#tally.archived(capture.mail.size);
      else if (added.state === "already-archived") this.#tally.alreadyArchived();
      else {this.#tally.failed(
          { file: tag.origin, path: tag.origin },
          conflict(capture.capture.id, added.archivedSha256),
        );}
    }
  }
}

interface Hashed {
  readonly content: MailContent;
  readonly sha256: string;
  readonly size: number;
}

/** Reads content to its end; holds it where it has at most `wholeBytes`. */
async function hashed(content: MailContent, wholeBytes: number, signal: AbortSignal): Promise<Hashed> {
  const hash = createHash("sha256");
  if (typeof content !== "function") {
    return { content, sha256: hash.update(content).digest("hex"), size: content.length };
  }
  const reopened = () => interruptible(content(), signal);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reopened()) {
    hash.update(chunk);
    size += chunk.length;
    if (size <= wholeBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return { content: size <= wholeBytes ? concatBytes(chunks) : reopened, sha256: hash.digest("hex"), size };
}
