/** What a running program holds while nobody is connected. */

import { join } from "@std/path";

/** Counts at one moment. */
export interface Holdings {
  /** Of clients and targets, as `describeConnections` gives them. */
  readonly connections: readonly string[];
  /** File descriptors of other kinds, without `spareFiles`. */
  readonly files: number;
  /** Empty files in `.incoming/`, kept open for the next captures. */
  readonly spareFiles: number;
  /** Captures in the making, in `.incoming/`. */
  readonly incoming: number;
  /** Sessions and captures that the program itself counts as open; null where it hasn't said so yet. */
  readonly counted: number | null;
  /** Resident memory. */
  readonly mebibytes: number;
}

export interface HoldingsOptions {
  readonly pid: number;
  /** Where the config lies. */
  readonly folder: string;
  readonly drop: string;
  /** What the program wrote of itself before doesn't count, in ms since 1970. */
  readonly since: number;
}

export function readHoldings({ pid, folder, drop, since }: HoldingsOptions): Holdings {
  const targets = [...readDescriptors(pid).values()].filter((target) => !target.startsWith("socket:"));
  const incoming = join(drop, ".incoming");
  const spareFiles = targets.filter((target) => target.startsWith(incoming) && sizeOf(target) === 0).length;
  return {
    connections: describeConnections(pid),
    files: targets.length - spareFiles,
    spareFiles,
    incoming: filledFiles(incoming),
    counted: countedOpen(join(folder, ".mailtee-run.json"), since),
    mebibytes: residentMebibytes(pid),
  };
}

/** Sockets of clients and targets: those that neither listen nor are the runtime's own. */
export function countConnections(pid: number): number {
  return describeConnections(pid).length;
}

/** The same, each as the system has it: both addresses, state and queues in hexadecimal; "closed" without a peer. */
export function describeConnections(pid: number): string[] {
  const known = new Map(
    ["tcp", "tcp6"].flatMap((table) => tableLines(`/proc/${pid}/net/${table}`, TCP)).map(([, text, inode]) => [
      inode,
      text ?? "",
    ]),
  );
  const runtimes = new Set(tableLines(`/proc/${pid}/net/unix`, UNIX).map(([, inode]) => inode));
  return [...readDescriptors(pid).values()].flatMap((target) => {
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode === undefined || runtimes.has(inode)) return [];
    const text = known.get(inode) ?? "closed";
    return LISTENING.test(text) ? [] : [text];
  });
}

/** Addresses, state and queues, and inode. */
const TCP = /^ *\d+: ([0-9A-F]+:[0-9A-F]+ [0-9A-F]+:[0-9A-F]+ [0-9A-F]{2} [0-9A-F]+:[0-9A-F]+)(?: +\S+){4} +(\d+)/gm;
const LISTENING = / 0A [0-9A-F]+:[0-9A-F]+$/;
const UNIX = /^\S+: [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{4} [0-9A-F]{2} +(\d+)/gm;

function tableLines(table: string, line: RegExp): RegExpExecArray[] {
  return [...Deno.readTextFileSync(table).matchAll(line)];
}

/** What each open file descriptor of a process is, by its number. */
export function readDescriptors(pid: number): Map<number, string> {
  const found = new Map<number, string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    const target = linkTarget(`/proc/${pid}/fd/${name}`);
    if (target !== null) found.set(Number(name), target);
  }
  return found;
}

function residentMebibytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
  return Math.round(Number(kibibytes) / 1024);
}

/** Null for a descriptor that was closed in between. */
function linkTarget(path: string): string | null {
  return ifThere(() => Deno.readLinkSync(path));
}

/** Null for a file that is gone. */
function sizeOf(path: string): number | null {
  return ifThere(() => Deno.statSync(path).size);
}

function filledFiles(incoming: string): number {
  let count = 0;
  for (const writer of Deno.readDirSync(incoming)) {
    if (!writer.isDirectory) continue;
    const folder = join(incoming, writer.name);
    for (const { name } of Deno.readDirSync(folder)) {
      if (/\.(?:part|settled)$/.test(name) && (sizeOf(join(folder, name)) ?? 0) > 0) count++;
    }
  }
  return count;
}

interface RunState {
  readonly proxies: readonly { readonly stats: { readonly sessions: { readonly open: number } } }[];
  readonly dropFolders: readonly { readonly open: number }[];
}

function countedOpen(stateFile: string, since: number): number | null {
  const written = ifThere(() => Deno.statSync(stateFile).mtime?.getTime() ?? null);
  if (written === null || written < since) return null;
  const state: RunState = JSON.parse(Deno.readTextFileSync(stateFile));
  const open = [...state.proxies.map(({ stats }) => stats.sessions.open), ...state.dropFolders.map(({ open }) => open)];
  return open.reduce((sum, count) => sum + count, 0);
}

function ifThere<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
