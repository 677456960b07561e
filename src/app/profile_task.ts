import { openArchive } from "../archive/archive.ts";
import type { ArchiveUser } from "../archive/types.ts";
import type { Clock } from "../base/clock.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { SentRecord } from "../base/log.ts";
import { runProfile } from "../ingest/run_profile.ts";
import type { Profile, RunResult } from "../ingest/types.ts";

/** A run of a profile as plain data, so that it can go to another thread. */
export interface ProfileTask {
  readonly profile: Profile;
  readonly users: readonly ArchiveUser[];
  readonly archive: { readonly path: string; readonly fileMode: number; readonly folderMode: number };
}

/** What a worker is told: once what to do, then perhaps to stop. */
export type WorkerOrder =
  | { readonly kind: "run"; readonly task: ProfileTask }
  /** `reason` is a sentence. */
  | { readonly kind: "stop"; readonly reason: string };

/** What a worker says. One of "result" and "failure" comes last. */
export type WorkerWord =
  | { readonly kind: "log"; readonly record: SentRecord }
  | { readonly kind: "result"; readonly result: RunResult }
  /** `code` is null where it wasn't a MailteeError. */
  | { readonly kind: "failure"; readonly code: ErrorCode | null; readonly message: string; readonly hint?: string };

/** Opens the archive and carries the task out. Rejects as `openArchive` and `runProfile` do. */
export async function carryOutTask(task: ProfileTask, clock: Clock, signal: AbortSignal): Promise<RunResult> {
  const { profile, users } = task;
  const { path, ...modes } = task.archive;
  const archive = await openArchive(path, { clock, ...modes });
  try {
    return await runProfile({ profile, archive, users, clock, signal });
  } finally {
    archive.close();
  }
}
