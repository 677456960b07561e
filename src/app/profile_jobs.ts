import { openArchive } from "../archive/archive.ts";
import type { ArchiveOptions } from "../archive/types.ts";
import type { Clock } from "../base/clock.ts";
import { isDirectory } from "../base/files.ts";
import { ulidTime } from "../base/ids.ts";
import { roomLogger } from "../base/log.ts";
import type { ArchiveConfig, ProfileConfig, ResolvedConfig } from "../config/types.ts";
import type { RunResult } from "../ingest/types.ts";
import type { Job } from "../schedule/job.ts";

const log = roomLogger("archive");

/** A job for each profile that has a schedule. */
export function profileJobs(config: ResolvedConfig, clock: Clock): Job[] {
  const { archive } = config;
  if (archive === null) return [];
  const options = { clock, ...config.permissions };
  return Object.values(config.profiles).flatMap((profile) =>
    profile.schedule === null ? [] : [profileJob(profile, profile.schedule, archive, options)]
  );
}

function profileJob(
  profile: ProfileConfig,
  schedule: string,
  archive: ArchiveConfig,
  options: ArchiveOptions & { readonly clock: Clock },
): Job {
  return {
    name: profile.name,
    schedule,
    timeZone: profile.timeZone,
    lastStarted: () => lastStarted(profile.name, archive.path, options),
    run: async (signal) => {
      // Loaded only now: with it, the compiled program answered its ports after 400 ms, without it after 212.
      const { runProfile } = await import("../ingest/run_profile.ts");
      const opened = await openArchive(archive.path, options);
      try {
        logResult(await runProfile({ profile, archive: opened, users: archive.users, clock: options.clock, signal }));
      } finally {
        opened.close();
      }
    },
  };
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
