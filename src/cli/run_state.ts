import { join } from "@std/path";
import type { AppStatus } from "../app/status.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import { MailteeError } from "../base/errors.ts";
import { writeFileAtomic } from "../base/files.ts";
import { type FileLock, lockHolderText, readLockHolder, tryLockFile } from "../base/locks.ts";

const LOCK_NAME = ".mailtee-run.lock";
const STATE_NAME = ".mailtee-run.json";

/** Where a running program leaves word of itself: beside its config. */
export interface RunPlace {
  readonly lock: string;
  readonly state: string;
}

export function runPlace(directory: string): RunPlace {
  return { lock: join(directory, LOCK_NAME), state: join(directory, STATE_NAME) };
}

/**
 * Makes sure that only one `mailtee run` serves the configs of a folder. Throws MailteeError "busy" where another one
 * does, "io" where the folder can't be written.
 */
export function claimRun(directory: string): FileLock {
  const { lock: path } = runPlace(directory);
  const lock = tryLockFile(path);
  if (lock !== null) return lock;
  throw new MailteeError("busy", `mailtee already runs with a config of this folder (${lockHolderText(path)})`, {
    hint: "Stop it first, or reload its config with SIGHUP.",
  });
}

/** Leaves word of the running program for `mailtee status`. */
export async function writeRunState(directory: string, status: AppStatus): Promise<void> {
  await writeFileAtomic(runPlace(directory).state, encodeUtf8(JSON.stringify(status)));
}

/** What the program that runs beside us tells of itself; null where none runs. */
export async function readRunState(
  directory: string,
): Promise<{ readonly pid: number | null; readonly status: AppStatus | null } | null> {
  const place = runPlace(directory);
  if (!isHeld(place.lock)) return null;
  return { pid: readLockHolder(place.lock)?.pid ?? null, status: await readStatus(place.state) };
}

/** Looks whether a lock is held, without making its file. */
function isHeld(path: string): boolean {
  try {
    using file = Deno.openSync(path, { read: true });
    return !file.tryLockSync(false);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function readStatus(path: string): Promise<AppStatus | null> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
