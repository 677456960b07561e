import type { CaptureAddress, NotArchived } from "../archive/types.ts";
import { errorText, MailteeError } from "../base/errors.ts";
import type { FilePlace } from "./file_identity.ts";
import type { RunResult } from "./types.ts";

/** The counts of a result protocol. */
export type Counts = Pick<
  RunResult,
  "found" | "archived" | "alreadyArchived" | "unassigned" | "failed" | "deleted" | "bytes" | "notArchived"
>;

/** Counts what becomes of a run's files. */
export class Tally {
  readonly #notArchived: NotArchived[] = [];
  #found = 0;
  #archived = 0;
  #alreadyArchived = 0;
  #unassigned = 0;
  #failed = 0;
  #deleted = 0;
  #bytes = 0;

  /** So many files are in the folder. */
  found(count: number): void {
    this.#found += count;
  }

  /** A file that was found was taken away by others before it was looked at. */
  vanished(): void {
    this.#found--;
  }

  archived(bytes: number): void {
    this.#archived++;
    this.#bytes += bytes;
  }

  alreadyArchived(): void {
    this.#alreadyArchived++;
  }

  deleted(): void {
    this.#deleted++;
  }

  unassigned({ file }: Pick<FilePlace, "file">, addresses: readonly CaptureAddress[], reason: string): void {
    this.#unassigned++;
    this.#notArchived.push({ file, code: "unassigned", reason, addresses: addresses.map(({ address }) => address) });
  }

  /** The path is left out of the reason, since the line names the file. */
  failed({ file, path }: FilePlace, error: unknown): void {
    this.#failed++;
    const code = error instanceof MailteeError ? error.code : "internal";
    const text = errorText(error);
    const reason = text.startsWith(`${path}: `) ? text.slice(path.length + 2) : text;
    this.#notArchived.push({ file, code, reason, addresses: [] });
  }

  counts(): Counts {
    return {
      found: this.#found,
      archived: this.#archived,
      alreadyArchived: this.#alreadyArchived,
      unassigned: this.#unassigned,
      failed: this.#failed,
      deleted: this.#deleted,
      bytes: this.#bytes,
      notArchived: [...this.#notArchived],
    };
  }
}

/** Why a capture with this envelope belongs to nobody. */
export function unassignedReason(addresses: readonly CaptureAddress[]): string {
  if (addresses.length === 0) return "its envelope names no address";
  return `no user has ${addresses.map(({ address }) => address).join(", ")}`;
}
