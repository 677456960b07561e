import type { Archive, SeenFile } from "../archive/types.ts";
import { errorText } from "../base/errors.ts";
import { errorNumber, type FileOps } from "../base/files.ts";
import { roomLogger } from "../base/log.ts";
import { openMail } from "../drop/reader.ts";
import type { CaptureFile } from "../drop/types.ts";
import { type Committed, ContentSource } from "./batch.ts";
import { conflict, type Finding } from "./examine.ts";
import { type FileIdentity, isUnchanged } from "./file_identity.ts";
import { type Tally, unassignedReason } from "./tally.ts";
import type { Profile } from "./types.ts";

const log = roomLogger("ingest");

type Found<Kind extends Finding["kind"]> = Finding & { readonly kind: Kind };

/** Carries out what a run has found out about files: counts them, deletes them, or remembers that they were left. */
export class Settlement {
  readonly #archive: Archive;
  readonly #folder: string;
  readonly #profile: Profile;
  readonly #tally: Tally;
  readonly #ops: FileOps;
  #remember: SeenFile[] = [];
  #forget: string[] = [];

  constructor(
    options: {
      readonly archive: Archive;
      /** The drop folder, absolute. */
      readonly folder: string;
      readonly profile: Profile;
      readonly tally: Tally;
      readonly ops: FileOps;
    },
  ) {
    this.#archive = options.archive;
    this.#folder = options.folder;
    this.#profile = options.profile;
    this.#tally = options.tally;
    this.#ops = options.ops;
  }

  /** A capture that has become part of the archive, or turned out to be part of it. */
  committed({ tag: file, capture, added }: Committed<FileIdentity>): void {
    if (added.state === "conflict") {
      this.#tally.failed(file, conflict(capture.capture.id, added.archivedSha256));
      return;
    }
    if (added.state === "added") this.#tally.archived(capture.mail.size);
    else this.#tally.alreadyArchived();
    this.#letGo(file, capture.capture.id);
  }

  /** A file that an earlier run left, and that stays. */
  left(file: SeenFile): void {
    if (file.state === "archived") this.#tally.alreadyArchived();
    else this.#tally.unassigned(file, file.addresses, unassignedReason(file.addresses));
  }

  /**
   * A capture that the archive had before. Its file is deleted only where the archive's own content is sound; lost or
   * damaged content is stored again from the file. Rejects where the store fails.
   */
  async archivedBefore(finding: Found<"archived">): Promise<void> {
    const { file, captureId, capture } = finding;
    const unreadable = this.#profile.deleteArchived ? await this.#makeGood(capture) : null;
    if (unreadable !== null) return this.#tally.failed(file, unreadable.error);
    this.#letGo(file, captureId);
    this.#tally.alreadyArchived();
  }

  async #makeGood(capture: CaptureFile): Promise<{ readonly error: unknown } | null> {
    const { sha256 } = capture.report.mail;
    if ((await this.#archive.store.check(sha256)).state === "sound") return null;
    const source = new ContentSource(() => openMail(capture));
    try {
      await this.#archive.store.put(source.octets(), { expectedSha256: sha256 });
    } catch (error) {
      if (source.broken) return { error };
      throw error;
    }
    log.warning("the archive had lost the mail of {file}; it was stored again", { file: capture.path });
    return null;
  }

  #letGo(file: FileIdentity, captureId: string): void {
    if (this.#profile.deleteArchived) this.#delete(file);
    else this.#remember.push({ ...seen(file), captureId, state: "archived", addresses: [] });
  }

  unassigned({ file, captureId, addresses }: Found<"unassigned">): void {
    const deleted = this.#profile.deleteUnassigned && this.#delete(file);
    const reason = unassignedReason(addresses);
    this.#tally.unassigned(file, addresses, deleted ? `${reason}; deleted, as the profile says` : reason);
    if (deleted) {
      log.info("deleted {file}, which belongs to no user", {
        file: file.file,
        addresses: addresses.map(({ address }) => address),
      });
    } else {
      this.#remember.push({ ...seen(file), captureId, state: "unassigned", addresses });
    }
  }

  /** Forgets what earlier runs knew of files that are no more. */
  forget(files: Iterable<string>): void {
    this.#forget.push(...files);
  }

  /** Writes down what is to be remembered and forgotten. */
  async write(): Promise<void> {
    if (this.#remember.length === 0 && this.#forget.length === 0) return;
    const changes = { remember: this.#remember, forget: this.#forget };
    // More may be found while these are being written.
    this.#remember = [];
    this.#forget = [];
    await this.#archive.catalog.updateSeenFiles(this.#folder, changes);
  }

  /** True where the file is gone by this call. What was changed meanwhile, or can't be deleted, stays. */
  #delete(file: FileIdentity): boolean {
    if (!isUnchanged(file)) return false;
    try {
      this.#ops.remove(file.path);
    } catch (error) {
      const number = errorNumber(error);
      if (number === undefined) throw error;
      if (number !== "ENOENT") log.error("can't delete {file}: {error}", { file: file.path, error: errorText(error) });
      return false;
    }
    this.#tally.deleted();
    this.#forget.push(file.file);
    return true;
  }
}

function seen(file: FileIdentity): Pick<SeenFile, "file" | "size" | "modified"> {
  return { file: file.file, size: file.size, modified: file.modified };
}
