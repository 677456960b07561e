import type { RunRecord } from "../archive/types.ts";
import { MailteeError } from "../base/errors.ts";
import { isProfileRunning } from "../ingest/profile_lock.ts";
import type { Command, Invocation } from "./command.ts";
import { withArchive } from "./configured_archive.ts";
import { ExitCode } from "./exit_code.ts";
import { limitOption } from "./limit_option.ts";
import { localTime } from "./local_time.ts";
import { printResult } from "./result_protocol.ts";
import { type Column, formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_LIMIT = 20;

export const command: Command = {
  name: "runs",
  operands: "[ID]",
  operandCount: [0, 1],
  summary: "Past runs of profiles, newest first, or the result protocol of one of them.",
  description: `ID, or enough of its beginning, shows one run's whole result protocol. A run that
died without a result is "interrupted".`,
  options: {
    profile: { value: "NAME", doc: "only runs of this profile" },
    limit: { value: "N", doc: `show N runs at most; ${DEFAULT_LIMIT} if not given` },
  },
  run,
};

/** A run that died without a result is "interrupted". */
type RunState = "done" | "incomplete" | "interrupted" | "running";

interface ShownRun extends RunRecord {
  readonly state: RunState;
}

async function run(invocation: Invocation): Promise<ExitCode> {
  const { operands: [id], options, terminal, clock } = invocation;
  const profile = options.value("profile");
  const limit = limitOption(options) ?? (id === undefined ? DEFAULT_LIMIT : undefined);
  return await withArchive(invocation, "read", async ({ path, catalog }) => {
    const records = await catalog.runs({
      ...profile === undefined ? {} : { profile },
      ...limit === undefined ? {} : { limit },
    });
    const runs = withStates(records, (name) => isProfileRunning(path, name, clock));
    if (id !== undefined) showRun(runById(runs, id), terminal);
    else if (terminal.wantsJson) runs.forEach((each) => terminal.json(runDocument(each)));
    else terminal.print(runs.length === 0 ? "No runs yet." : runTable(runs, terminal.columns));
    return ExitCode.done;
  });
}

/** Tells the states of runs, newest first; only a profile's newest run can be under way. */
function withStates(records: readonly RunRecord[], isRunning: (profile: string) => boolean): ShownRun[] {
  const seen = new Set<string>();
  return records.map((record) => {
    const { profile, protocol } = record;
    const newest = !seen.has(profile);
    seen.add(profile);
    if (protocol === null) return { ...record, state: newest && isRunning(profile) ? "running" : "interrupted" };
    if ("interrupted" in protocol && protocol.interrupted === true) return { ...record, state: "interrupted" };
    return { ...record, state: protocol.unassigned + protocol.failed > 0 ? "incomplete" : "done" };
  });
}

function runById(runs: readonly ShownRun[], id: string): ShownRun {
  const found = runs.filter((each) => each.id.startsWith(id.toUpperCase()));
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only;
  if (found.length > 1) {
    throw new MailteeError("usage", `${found.length} runs have IDs that begin with ${id}.`, {
      hint: "Give more of it.",
    });
  }
  throw new MailteeError("not-found", `There is no run ${id}.`, { hint: "'mailtee runs' lists them." });
}

function showRun(shown: ShownRun, terminal: Terminal): void {
  if (terminal.wantsJson) terminal.json(runDocument(shown));
  else if (shown.protocol !== null) printResult(shown.protocol, terminal);
  else terminal.print(`Profile ${shown.profile}: ${shown.state}, started ${shown.started}.`);
}

function runDocument({ id, state, profile, started, protocol }: ShownRun): Record<string, unknown> {
  return { id, state, profile, started, finished: null, ...protocol };
}

function runTable(runs: readonly ShownRun[], columns: number): string {
  const count = (title: string, of: CountField): Column<ShownRun> => ({
    title,
    align: "right",
    text: ({ protocol }) => protocol === null ? "" : String(protocol[of]),
  });
  return formatTable(runs, [
    { title: "started", text: ({ started }) => localTime(Date.parse(started)) },
    { title: "profile", text: ({ profile }) => profile, shrinks: true },
    { title: "state", text: ({ state }) => state },
    count("found", "found"),
    count("archived", "archived"),
    count("already", "alreadyArchived"),
    count("unassigned", "unassigned"),
    count("failed", "failed"),
    count("deleted", "deleted"),
    { title: "id", text: ({ id }) => id },
  ], columns);
}

type CountField = "found" | "archived" | "alreadyArchived" | "unassigned" | "failed" | "deleted";
