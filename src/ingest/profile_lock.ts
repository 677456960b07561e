import { join } from "@std/path";
import type { Clock } from "../base/clock.ts";
import { MailteeError } from "../base/errors.ts";
import { type FileLock, lockHolderText, tryLockFile } from "../base/locks.ts";

/** A lock file lies in the archive, so that all who use the archive meet there. */
function lockPath(archivePath: string, profile: string): string {
  return join(archivePath, `profile-${encodeURIComponent(profile).replaceAll("*", "%2A")}.lock`);
}

/**
 * Takes the lock that lets only one run of a profile at a time into an archive.
 * Throws MailteeError "busy" where another run holds it, "io" where the lock file can't be made.
 */
export function lockProfile(archivePath: string, profile: string, clock: Clock): FileLock {
  const path = lockPath(archivePath, profile);
  const lock = tryLockFile(path, { clock });
  if (lock !== null) return lock;
  throw new MailteeError("busy", `another run of profile ${profile} holds the lock (${lockHolderText(path)})`, {
    hint: "Try again when it has ended; 'mailtee runs' shows it.",
  });
}

/** True while a run of the profile is under way, in this process or another. */
export function isProfileRunning(archivePath: string, profile: string, clock: Clock): boolean {
  const lock = tryLockFile(lockPath(archivePath, profile), { clock });
  lock?.release();
  return lock === null;
}
