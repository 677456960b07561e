import { statfsSync } from "node:fs";
import { dirname, join } from "@std/path";
import { errorText, MailteeError } from "../../base/errors.ts";
import {
  denoFileOps,
  fileError,
  type FileOps,
  freeBytes,
  isDirectory,
  removeIfThere,
  writeAll,
} from "../../base/files.ts";
import { tryLockFile } from "../../base/locks.ts";
import type { ResolvedConfig } from "../../config/types.ts";
import { INCOMING_NAME } from "../../drop/folder.ts";
import { formatSize } from "../table.ts";
import { failure, type Finding, note, warning } from "./findings.ts";

/** A folder that mailtee writes into. */
interface Folder {
  readonly path: string;
  readonly what: "drop folder" | "archive";
  readonly where: string;
}

/** Tries out every drop folder and the archive: writing, flushing, renaming, locking, space. */
export async function folderFindings(config: ResolvedConfig, ops: FileOps = denoFileOps): Promise<Finding[]> {
  const findings = await Promise.all(foldersOf(config).map((folder) => tryFolder(folder, ops)));
  return [...missingDropFolders(config), ...findings.flat()];
}

/** Each folder once. A drop folder that only profiles name belongs to proxies elsewhere, and isn't ours to make. */
function foldersOf(config: ResolvedConfig): Folder[] {
  const folders: Folder[] = config.proxies.map(({ dropFolder }, index) => ({
    path: dropFolder,
    what: "drop folder",
    where: dropFolder === config.dropFolder ? "dropFolder" : `proxies[${index}].dropFolder`,
  }));
  if (config.archive !== null) folders.push({ path: config.archive.path, what: "archive", where: "archive.path" });
  return [...new Map(folders.map((folder) => [folder.path, folder])).values()];
}

function missingDropFolders(config: ResolvedConfig): Finding[] {
  const own = new Set(config.proxies.map(({ dropFolder }) => dropFolder));
  return Object.values(config.profiles).flatMap(({ name, dropFolder }) => {
    if (own.has(dropFolder) || isDirectory(dropFolder)) return [];
    const text = `Profile ${name} takes mails from ${dropFolder}, which isn't there; is its share mounted?`;
    return [warning("missing-drop-folder", `profiles.${name}`, text)];
  });
}

async function tryFolder(folder: Folder, ops: FileOps): Promise<Finding[]> {
  const place = nearestFolder(folder.path);
  if (place === undefined) {
    return [
      failure(
        "folder-unusable",
        folder.where,
        `The ${folder.what} ${folder.path} can't be made: nothing of its path is there.`,
      ),
    ];
  }
  return [
    ...await tryDurability(folder, place, ops),
    ...fileSystemFindings(folder, place),
    ...spaceFindings(folder, place),
  ];
}

/** The folder itself or, before the first run, the one that it will be made in. */
function nearestFolder(path: string): string | undefined {
  if (isDirectory(path)) return path;
  return dirname(path) === path ? undefined : nearestFolder(dirname(path));
}

/** Writes, flushes, renames and locks a file, as captures are. Leaves nothing behind. */
async function tryDurability({ path, what, where }: Folder, place: string, ops: FileOps): Promise<Finding[]> {
  const name = `.mailtee-check-${crypto.randomUUID()}`;
  const incoming = join(place, INCOMING_NAME);
  const before = join(isDirectory(incoming) ? incoming : place, name);
  const after = join(place, `${name}-renamed`);
  const step = async <T>(attempt: string, take: () => T | Promise<T>): Promise<T> => {
    try {
      return await take();
    } catch (error) {
      throw fileError(error, attempt);
    }
  };
  try {
    const file = await step(`make a file in ${dirname(before)}`, () => ops.create(before, 0o600));
    try {
      await step(`write in ${place}`, () => writeAll(file, new Uint8Array(PROBE_BYTES)));
      await step(`flush a file in ${place} to disk`, () => file.syncData());
    } finally {
      file.close();
    }
    await step(`rename a file within ${place}`, () => ops.rename(before, after));
    const flushed = await step(`flush the folder ${place}`, () => ops.syncDirectory(place));
    return [
      ...flushed || Deno.build.os === "windows" ? [] : [noDirectoryFlush(path, where)],
      ...lockFindings(path, where, after),
    ];
  } catch (error) {
    if (!(error instanceof MailteeError)) throw error;
    const hint = error.hint === undefined ? "" : ` ${error.hint}`;
    return [warning("folder-unusable", where, `The ${what} ${path} can't be used: ${error.message}.${hint}`)];
  } finally {
    removeIfThere(before, ops);
    removeIfThere(after, ops);
  }
}

const PROBE_BYTES = 4096;

function noDirectoryFlush(path: string, where: string): Finding {
  const text =
    `The file system of ${path} can't flush a folder: after a power cut of the machine that holds it, a copy ` +
    "may be missing although its mail was accepted.";
  return warning("no-directory-flush", where, text);
}

function lockFindings(path: string, where: string, file: string): Finding[] {
  try {
    tryLockFile(file)?.release();
    return [];
  } catch (error) {
    const text = `Files on ${path} can't be locked (${
      errorText(error)
    }), so that two programs may get in each other's way.`;
    return [warning("no-locks", where, text)];
  }
}

/** Magic numbers of file systems (statfs(2)), and what they mean for mail. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "SMB"],
  [0xfe534d42, "SMB"],
  [0x01021997, "9p"],
]);
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const OVERLAY = 0x794c7630;

function fileSystemFindings({ path, what, where }: Folder, place: string): Finding[] {
  const type = Deno.build.os === "linux" ? statfsSync(place).type >>> 0 : 0;
  const network = NETWORK.get(type);
  if (network !== undefined && what === "archive") {
    const text =
      `The archive ${path} lies on ${network}: its catalog (SQLite) can be damaged there when two machines ` +
      "use it at once; keep it on a disk of the machine that archives.";
    return [warning("archive-on-network", where, text)];
  }
  if (network !== undefined) {
    const text =
      `The drop folder ${path} lies on ${network}: a copy is as safe as that server makes it; an export that ` +
      "answers before it has written (NFS: async) loses copies in a power cut.";
    return [note("drop-folder-on-network", where, text)];
  }
  if (IN_MEMORY.has(type)) {
    return [
      warning("in-memory", where, `The ${what} ${path} lies in memory and is gone after a restart of the machine.`),
    ];
  }
  if (type === OVERLAY) {
    const text = `The ${what} ${path} lies in the container itself and is gone with it; mount a volume there.`;
    return [warning("in-container", where, text)];
  }
  return [];
}

const LOW_SPACE_BYTES = 1e9;

function spaceFindings({ path, what, where }: Folder, place: string): Finding[] {
  const free = freeBytes(place);
  if (free >= LOW_SPACE_BYTES) return [];
  return [
    warning(
      "low-space",
      where,
      `Only ${formatSize(free)} are free for the ${what} ${path}; when it is full, mails are refused.`,
    ),
  ];
}
