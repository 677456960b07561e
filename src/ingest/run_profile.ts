import { resolve } from "@std/path";
import type { Archive, ArchiveUser, Catalog, SeenFile } from "../archive/types.ts";
import type { Clock } from "../base/clock.ts";
import { errorText, MailteeError } from "../base/errors.ts";
import { denoFileOps, type FileOps } from "../base/files.ts";
import { type DropEntry, listDropFolder } from "../drop/folder.ts";
import { ExtractThread } from "../message/extract_thread.ts";
import { createUserDirectory, type UserDirectory } from "./assign.ts";
import { Batch } from "./batch.ts";
import { examine, type ExamineOptions, type Finding } from "./examine.ts";
import type { FileIdentity } from "./file_identity.ts";
import { inOrder } from "./in_order.ts";
import { Leftovers } from "./leftovers.ts";
import { lockProfile } from "./profile_lock.ts";
import { Settlement } from "./settlement.ts";
import { Tally } from "./tally.ts";
import { DEFAULT_INGEST_LIMITS, type IngestLimits, type Profile, type RunResult } from "./types.ts";

export interface ProfileRunOptions {
  readonly profile: Profile;
  readonly archive: Archive;
  /** All users of the archive. */
  readonly users: readonly ArchiveUser[];
  readonly clock: Clock;
  /** Stops the run at the next safe point; what was done until then is kept. */
  readonly signal: AbortSignal;
  /** Hears after each file how many of all were looked at. */
  readonly progress?: (done: number, total: number, file: string) => void;
  readonly limits?: Partial<IngestLimits>;
  /** Deletes files. @default denoFileOps */
  readonly ops?: FileOps;
}

/**
 * Runs a profile once: takes the captures of its drop folder into the archive, each once whatever happens, assigns them
 * to users, and deletes files where the profile says so, after they are safe. A file that can't be understood is reported
 * and left alone. May be cut off at any point and repeated.
 *
 * Where the run can't go on (it was asked to stop, the disk is full, the folder can't be read), or its result can't be
 * kept, the result says `interrupted` and why, and counts what was done. Rejects with MailteeError "busy" where another
 * run of the profile is under way, "config" where the profile would delete every mail, and with what the archive rejects
 * before the run begins.
 */
export async function runProfile(options: ProfileRunOptions): Promise<RunResult> {
  const { profile, archive, clock } = options;
  refuseToDeleteEverything(options);
  const lock = lockProfile(archive.path, profile.name, clock);
  try {
    return await new ProfileRun(options).carryOut();
  } finally {
    lock.release();
  }
}

function refuseToDeleteEverything({ profile, users }: ProfileRunOptions): void {
  if (!profile.deleteUnassigned || users.some((user) => user.addresses.length + user.pop3Users.length > 0)) return;
  throw new MailteeError("config", `profile ${profile.name} would delete every mail: no user has an address`, {
    hint: "Name the users under archive.users, or leave deleteUnassigned off.",
  });
}

/** Files after which the event loop has its turn, since files that earlier runs left are passed without waiting. */
const FILES_PER_TURN = 1000;

class ProfileRun {
  readonly #options: ProfileRunOptions;
  readonly #folder: string;
  readonly #limits: IngestLimits;
  readonly #tally = new Tally();
  readonly #batch: Batch<FileIdentity>;
  readonly #settlement: Settlement;
  readonly #extractor: ExtractThread;
  /** The commit under way; files are looked at meanwhile. */
  #committing: Promise<void> = Promise.resolve();

  constructor(options: ProfileRunOptions) {
    this.#options = options;
    this.#folder = resolve(options.profile.dropFolder);
    this.#limits = { ...DEFAULT_INGEST_LIMITS, ...options.limits };
    this.#extractor = new ExtractThread({ mailsBefore: this.#limits.mailsBeforeThread });
    this.#batch = new Batch(options.archive, this.#limits);
    this.#settlement = new Settlement({
      archive: options.archive,
      folder: this.#folder,
      profile: options.profile,
      tally: this.#tally,
      ops: options.ops ?? denoFileOps,
    });
  }

  async carryOut(): Promise<RunResult> {
    const { profile, archive: { catalog }, users, clock } = this.#options;
    const started = new Date(clock.now()).toISOString();
    const id = await catalog.startRun({ profile: profile.name, started });
    let assignedLater = 0;
    let interruption: string | null = null;
    try {
      assignedLater = (await catalog.syncUsers(users)).assigned;
      await this.#sweep(id);
    } catch (error) {
      if (!(error instanceof MailteeError) && !this.#options.signal.aborted) throw error;
      interruption = errorText(error);
    }
    const finished = new Date(clock.now()).toISOString();
    const result: RunResult = {
      id,
      profile: profile.name,
      started,
      finished,
      ...this.#tally.counts(),
      assignedLater,
      interrupted: interruption !== null,
      interruption,
    };
    return await this.#keep(result);
  }

  /** Where the archive can't keep the result it is given all the same: to the run log the run was interrupted. */
  async #keep(result: RunResult): Promise<RunResult> {
    try {
      await this.#options.archive.catalog.finishRun(result.id, result);
      return result;
    } catch (error) {
      if (!(error instanceof MailteeError)) throw error;
      const unkept = `what is told here was done, but can't be kept in the archive: ${errorText(error)}`;
      const interruption = result.interruption === null ? unkept : `${result.interruption}; ${unkept}`;
      return { ...result, interrupted: true, interruption };
    }
  }

  /** Looks at every file of the folder. Rejects where the run can't go on; what was done until then is kept. */
  async #sweep(runId: string): Promise<void> {
    const { signal } = this.#options;
    const entries = await listDropFolder(this.#folder);
    this.#tally.found(entries.length);
    const users = createUserDirectory(this.#options.users);
    const leftovers = await this.#leftovers(entries, users);
    try {
      const unread = await this.#passLeftovers(entries, leftovers);
      await this.#examineAll(unread, users, runId, entries.length);
      await this.#commitAll(runId);
    } catch (error) {
      if (signal.aborted) await this.#commitAll(runId);
      throw error;
    } finally {
      await this.#committing.catch(() => {});
      await this.#batch.abandon();
      this.#extractor.close();
    }
  }

  async #leftovers(entries: readonly DropEntry[], users: UserDirectory): Promise<Leftovers> {
    const { catalog } = this.#options.archive;
    const seen = await catalog.seenFiles(this.#folder);
    const present = new Set(entries.map(({ name }) => name));
    this.#settlement.forget([...seen.keys()].filter((file) => !present.has(file)));
    return new Leftovers({
      seen: await withoutArchived(seen, catalog),
      users,
      deletes: this.#deletes(),
      compared: this.#limits.comparedLeftovers,
    });
  }

  /** Settles what earlier runs left, and gives the other files: with a promise for each this took a third more CPU. */
  async #passLeftovers(entries: readonly DropEntry[], leftovers: Leftovers): Promise<DropEntry[]> {
    const { signal, progress } = this.#options;
    const others: DropEntry[] = [];
    for (const [index, entry] of entries.entries()) {
      signal.throwIfAborted();
      const left = leftovers.recall(entry);
      if (left === null) {
        others.push(entry);
        continue;
      }
      this.#settlement.left(left);
      progress?.(index + 1 - others.length, entries.length, entry.name);
      if (index % FILES_PER_TURN === 0) await nextTurn();
    }
    return others;
  }

  /** They are the last of all that were found. */
  async #examineAll(entries: readonly DropEntry[], users: UserDirectory, runId: string, found: number): Promise<void> {
    const { archive: { catalog }, signal, progress } = this.#options;
    const options = {
      catalog,
      users,
      deletes: this.#deletes(),
      limits: this.#limits,
      extractor: this.#extractor,
      signal,
    };
    const passed = found - entries.length;
    let examined = 0;
    for await (const finding of inOrder(entries, this.#limits.readsAtOnce, (entry) => examine(entry, options))) {
      await this.#settle(finding);
      if (this.#batch.full) await this.#startCommit(runId);
      const name = entries[examined++]?.name ?? "";
      progress?.(passed + examined, found, name);
      if (examined % FILES_PER_TURN === 0) await nextTurn();
    }
  }

  #deletes(): ExamineOptions["deletes"] {
    const { deleteArchived, deleteUnassigned } = this.#options.profile;
    return { archived: deleteArchived, unassigned: deleteUnassigned };
  }

  /** One commit at a time: resolves once the one before has ended. Rejects where that failed. */
  async #startCommit(runId: string): Promise<void> {
    await this.#committing;
    this.#committing = this.#commit(runId);
    this.#committing.catch(() => {}); // whoever waits for it hears of it
  }

  async #commitAll(runId: string): Promise<void> {
    await this.#startCommit(runId);
    await this.#committing;
  }

  async #settle(finding: Finding): Promise<void> {
    switch (finding.kind) {
      case "new": {
        const state = await this.#batch.add(finding, finding.file, this.#options.signal);
        if (state.kind === "unreadable") this.#tally.failed(finding.file, state.error);
        return;
      }
      case "archived":
        return await this.#settlement.archivedBefore(finding);
      case "unassigned":
        return this.#settlement.unassigned(finding);
      case "failed":
        return this.#tally.failed(finding.file, finding.error);
      case "vanished":
        return this.#tally.vanished();
    }
  }

  async #commit(runId: string): Promise<void> {
    for (const committed of await this.#batch.commit(runId)) this.#settlement.committed(committed);
    await this.#settlement.write();
  }
}

/** What is remembered as unassigned may have been imported since. */
async function withoutArchived(
  seen: ReadonlyMap<string, SeenFile>,
  catalog: Catalog,
): Promise<ReadonlyMap<string, SeenFile>> {
  const unassigned = [...seen.values()].filter(({ state }) => state === "unassigned");
  const archived = await catalog.archivedCaptures(unassigned.map(({ captureId }) => captureId));
  if (archived.size === 0) return seen;
  return new Map([...seen].filter(([, { state, captureId }]) => state === "archived" || !archived.has(captureId)));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
