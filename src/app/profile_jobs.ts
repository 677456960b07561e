import { openArchive } from "../archive/archive.ts";
import type { ArchiveOptions } from "../archive/types.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { isDirectory } from "../base/files.ts";
import { ulidTime } from "../base/ids.ts";
import { roomLogger } from "../base/log.ts";
import type { ArchiveConfig, ProfileConfig, ResolvedConfig } from "../config/types.ts";
import type { RunResult } from "../ingest/types.ts";
import type { Job } from "../schedule/job.ts";
import type { ProfileTask } from "./profile_task.ts";
import { runInWorker } from "./run_in_worker.ts";

const log = roomLogger("archive");

/** A job for each profile that has a schedule. */
export function profileJobs(config: ResolvedConfig, clock: Clock): Job[] {
  const { archive } = config;
  if (archive === null) return [];
  return Object.values(config.profiles).flatMap((profile) =>
    profile.schedule === null ? [] : [profileJob(profile, profile.schedule, archive, config.permissions, clock)]
  );
}

function profileJob(
  profile: ProfileConfig,
  schedule: string,
  { path, users }: ArchiveConfig,
  permissions: ResolvedConfig["permissions"],
  clock: Clock,
): Job {
  const { name, timeZone, dropFolder, deleteArchived, deleteUnassigned } = profile;
  const task: ProfileTask = {
    profile: { name, dropFolder, deleteArchived, deleteUnassigned },
    users,
    archive: { path, ...permissions },
  };
  return {
    name,
    schedule,
    timeZone,
    lastStarted: () => lastStarted(name, path, { clock, ...permissions }),
    run: async (signal) => logResult(await carryOut(task, clock, signal)),
  };
}

/** A thread has the machine's clock and no other. */
async function carryOut(task: ProfileTask, clock: Clock, signal: AbortSignal): Promise<RunResult> {
  if (clock === systemClock) return await runInWorker(task, signal);
  // Loaded only now: with what parses mails, the compiled program answered its ports after 400 ms, without it after 212.
  const { carryOutTask } = await import("./profile_task.ts");
  return await carryOutTask(task, clock, signal);
}

async function lastStarted(profile: string, path: string, options: ArchiveOptions): Promise<Date | null> {
  if (!isDirectory(path)) return null;
  const archive = await openArchive(path, options);
  try {
    const [last] = await archive.catalog.runs({ profile, limit: 1 });
    // An archive in which the profile has never run: what its schedule asked for since the archive was made was missed.
    return new Date(last?.started ?? ulidTime(archive.catalog.archiveId));
  } finally {
    archive.close();
  }
}

function logResult(result: RunResult): void {
  const { profile, found, archived, alreadyArchived, unassigned, failed, deleted, bytes, interruption } = result;
  const counts = { found, archived, alreadyArchived, unassigned, failed, deleted, bytes };
  if (interruption !== null) {
    log.warning("Profile {profile} was stopped: {interruption}", { profile, interruption, ...counts });
    return;
  }
  const level = failed > 0 ? "warning" : "info";
  log[level]("Profile {profile} has run", { profile, ...counts });
  for (const { file, reason } of result.notArchived) {
    log.warning("Not archived: {file}: {reason}", { profile, file, reason });
  }
}
