/** The words of a profile run. */

import type { RunProtocol } from "../archive/types.ts";

/** What a profile says: where mails come from, and what becomes of the files. */
export interface Profile {
  readonly name: string;
  readonly dropFolder: string;
  /** Delete captures that are safely in the archive. */
  readonly deleteArchived: boolean;
  /** Delete captures that belong to no user. */
  readonly deleteUnassigned: boolean;
}

/** The result protocol of a run, as it is printed, kept and given as JSON. */
export interface RunResult extends RunProtocol {
  /** The run's ULID. */
  readonly id: string;
  /** Mails of earlier runs that now belong to a further user, because users got new addresses. */
  readonly assignedLater: number;
  /** True where the run was stopped before it had looked at every file. */
  readonly interrupted: boolean;
  /** Why it was stopped; null where it wasn't. */
  readonly interruption: string | null;
}

export interface IngestLimits {
  /** Mails in one transaction. Each flushes the store's 256 folders, and while one waits for the disk the next fills. */
  readonly batchMails: number;
  /** Octets of mails and of their text that are taken before a transaction is due. */
  readonly batchBytes: number;
  /** Captures that are read at once. */
  readonly readsAtOnce: number;
  /** New mails after which a thread of its own takes the text out of them; starting one costs as much as 150 mails. */
  readonly mailsBeforeThread: number;
  /** Octets up to which a mail is held in memory whole; a larger one is read twice, piece by piece. */
  readonly wholeMailBytes: number;
  /**
   * Captures left by earlier runs that a run compares with what they were. Of more than that it takes a sample, another
   * one each time: asking for size and time of 100,000 files costs as much as listing them.
   */
  readonly comparedLeftovers: number;
}

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  batchMails: 1000,
  batchBytes: 16 * 1024 * 1024,
  readsAtOnce: 16,
  mailsBeforeThread: 200,
  wholeMailBytes: 4 * 1024 * 1024,
  comparedLeftovers: 10_000,
};
