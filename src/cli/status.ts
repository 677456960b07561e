import type { AppStatus } from "../app/status.ts";
import { openArchive } from "../archive/archive.ts";
import type { ArchiveTotals, RunRecord } from "../archive/types.ts";
import type { Clock } from "../base/clock.ts";
import { isDirectory } from "../base/files.ts";
import { loadConfig } from "../config/load.ts";
import type { ResolvedConfig } from "../config/types.ts";
import { type Backlog, backlogOf, describeBacklog } from "./backlog.ts";
import type { Command, Invocation } from "./command.ts";
import { counted } from "./counted.ts";
import { ExitCode } from "./exit_code.ts";
import { readRunState } from "./run_state.ts";
import { formatSize, formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export const command: Command = {
  name: "status",
  operands: "",
  operandCount: [0, 0],
  summary: "Shows what runs, what waits in the drop folders, the last runs and the archive's size.",
  options: {},
  run,
};

interface Status {
  /** The `mailtee run` of this config; null where none runs. */
  readonly running: { readonly pid: number | null; readonly status: AppStatus | null } | null;
  readonly dropFolders: readonly Backlog[];
  readonly archive: { readonly path: string; readonly totals: ArchiveTotals | null } | null;
  readonly lastRuns: readonly RunRecord[];
}

async function run({ options, terminal, clock }: Invocation): Promise<ExitCode> {
  const config = await loadConfig(options.value("config"));
  const folders = new Set([
    ...config.proxies.map((proxy) => proxy.dropFolder),
    ...Object.values(config.profiles).map((profile) => profile.dropFolder),
  ]);
  const status: Status = {
    running: await readRunState(config.directory),
    dropFolders: await Promise.all(Array.from(folders, backlogOf)),
    ...await archiveStatus(config, clock),
  };
  if (terminal.wantsJson) terminal.json(status);
  else terminal.print(describe(status, terminal));
  return ExitCode.done;
}

async function archiveStatus(config: ResolvedConfig, clock: Clock): Promise<Pick<Status, "archive" | "lastRuns">> {
  if (config.archive === null) return { archive: null, lastRuns: [] };
  const { path } = config.archive;
  if (!isDirectory(path)) return { archive: { path, totals: null }, lastRuns: [] };
  const archive = await openArchive(path, { clock, readOnly: true });
  try {
    const lastRuns: RunRecord[] = [];
    for (const profile of Object.keys(config.profiles)) {
      lastRuns.push(...await archive.catalog.runs({ profile, limit: 1 }));
    }
    return { archive: { path, totals: await archive.catalog.totals() }, lastRuns };
  } finally {
    archive.close();
  }
}

function describe(status: Status, terminal: Terminal): string {
  return [
    describeRunning(status.running, terminal),
    describeDropFolders(status),
    describeArchive(status.archive),
    describeRuns(status.lastRuns, terminal),
  ].filter((part) => part !== "").join("\n\n");
}

function describeDropFolders({ dropFolders, running }: Status): string {
  const program = running?.status ?? null;
  return dropFolders.map((backlog) => {
    const written = program?.dropFolders.find(({ path }) => path === backlog.path);
    return describeBacklog(backlog, written, program?.started);
  }).join("\n");
}

function describeRunning(running: Status["running"], terminal: Terminal): string {
  if (running === null) return "mailtee run: not running with this config";
  const { pid, status } = running;
  if (status === null) return `mailtee run: process ${pid ?? "?"}, just starting`;
  const proxies = formatTable(status.proxies, [
    { title: "Proxy", text: (proxy) => proxy.name, shrinks: true },
    { title: "Listens on", text: (proxy) => proxy.listen.join(", ") },
    { title: "Target", text: (proxy) => proxy.target },
    { title: "Sessions", text: (proxy) => `${proxy.stats.sessions.open}`, align: "right" },
    { title: "Mails", text: (proxy) => `${mailCount(proxy)}`, align: "right" },
    { title: "Copy failures", text: (proxy) => `${proxy.stats.copyFailures}`, align: "right" },
  ], terminal.columns);
  const jobs = status.jobs.map(({ profile, next, running }) =>
    `profile ${profile}: ${running ? "running now" : `next at ${next ?? "no time of its schedule"}`}`
  );
  return [`mailtee run: process ${pid ?? "?"} since ${status.started}`, proxies.trimEnd(), ...jobs].join("\n");
}

function mailCount(proxy: AppStatus["proxies"][number]): number {
  return proxy.kind === "pop3" ? proxy.stats.mails.captured : proxy.stats.mails.accepted;
}

function describeArchive(archive: Status["archive"]): string {
  if (archive === null) return "";
  if (archive.totals === null) return `Archive ${archive.path}: nothing archived yet`;
  const { mails, captures, users, bytes, oldest, newest } = archive.totals;
  const span = oldest === null || newest === null ? "" : `, dated ${day(oldest)} to ${day(newest)}`;
  const size = `${counted(mails, "mail")} (${formatSize(bytes)})`;
  return `Archive ${archive.path}: ${size}, ${counted(captures, "capture")}, ${counted(users, "user")}${span}`;
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function describeRuns(runs: readonly RunRecord[], terminal: Terminal): string {
  return formatTable(runs, [
    { title: "Last run of", text: (run) => run.profile, shrinks: true },
    { title: "Started", text: (run) => run.started },
    { title: "Archived", text: (run) => count(run, "archived"), align: "right" },
    { title: "Unassigned", text: (run) => count(run, "unassigned"), align: "right" },
    { title: "Failed", text: (run) => count(run, "failed"), align: "right" },
  ], terminal.columns).trimEnd();
}

function count(run: RunRecord, key: "archived" | "unassigned" | "failed"): string {
  return run.protocol === null ? "?" : String(run.protocol[key]);
}
