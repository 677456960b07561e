import type { DropFolderStatus } from "../app/status.ts";
import { errorText, MailteeError } from "../base/errors.ts";
import { freeBytes } from "../base/files.ts";
import { listDropFolder } from "../drop/folder.ts";
import { DEFAULT_LOW_WATER_BYTES } from "../drop/writer.ts";
import { counted } from "./counted.ts";
import { formatSize } from "./table.ts";

/** What lies in a drop folder. */
export interface Backlog {
  readonly path: string;
  readonly captures: number;
  /** Name of the oldest capture; null where there is none. */
  readonly oldest: string | null;
  /** Files that aren't captures. */
  readonly others: number;
  readonly freeBytes: number | null;
  /** So little room is left that proxies take no mail. */
  readonly lowOnSpace: boolean;
  /** What is wrong with the folder; null where it can be read. */
  readonly problem: string | null;
}

/** Looks into a drop folder. */
export async function backlogOf(path: string): Promise<Backlog> {
  try {
    const entries = await listDropFolder(path);
    const captures = entries.filter((entry) => entry.captureId !== null);
    const free = freeBytes(path);
    return {
      path,
      captures: captures.length,
      oldest: captures[0]?.name ?? null,
      others: entries.length - captures.length,
      freeBytes: free,
      lowOnSpace: free < DEFAULT_LOW_WATER_BYTES,
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof MailteeError)) throw error;
    const problem = errorText(error);
    return { path, captures: 0, oldest: null, others: 0, freeBytes: null, lowOnSpace: false, problem };
  }
}

/** A drop folder in words; `written` is what the program that writes into it tells, since `started`. */
export function describeBacklog(
  backlog: Backlog,
  written: DropFolderStatus | undefined,
  started: string | undefined,
): string {
  return [
    describeContent(backlog),
    ...backlog.lowOnSpace ? [lowOnSpaceText()] : [],
    ...written === undefined ? [] : describeFailures(written, started ?? "its start"),
  ].join("\n  ");
}

function describeContent({ path, captures, oldest, others, freeBytes: free, problem }: Backlog): string {
  if (problem !== null) return `Drop folder ${path}: ${problem}`;
  const since = oldest === null ? "" : `, the oldest ${oldest}`;
  const besides = others === 0 ? "" : `, and ${others} that aren't captures`;
  const room = free === null ? "" : `; ${formatSize(free)} free`;
  return `Drop folder ${path}: ${counted(captures, "capture")}${since}${besides}${room}`;
}

function lowOnSpaceText(): string {
  const mebibytes = DEFAULT_LOW_WATER_BYTES / (1024 * 1024);
  return `Less than ${mebibytes} MiB are free, so proxies take no mail; they take mails again once there is more room.`;
}

function describeFailures({ setAside, failed }: DropFolderStatus, started: string): string[] {
  const found: string[] = [];
  if (setAside > 0) {
    found.push(`Copies that are safe in .incoming/, and tried every five seconds to put in place: ${setAside}`);
  }
  if (failed > 0) found.push(`Copies that failed since ${started}, the log says why: ${failed}`);
  return found;
}
