import type { NotArchived, RunProtocol } from "../archive/types.ts";
import { countsText } from "../ingest/result_text.ts";
import { ExitCode } from "./exit_code.ts";
import { formatSize, oneLine } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** What a run's result protocol may say beyond the counts. */
type Result = RunProtocol & {
  readonly assignedLater?: number;
  readonly interruption?: string | null;
};

/** Prints a result protocol: a short summary, then one line for each mail that wasn't archived. */
export function printResult(result: Result, terminal: Terminal): void {
  const seconds = (Date.parse(result.finished) - Date.parse(result.started)) / 1000;
  const head = terminal.style("bold", `Profile ${oneLine(result.profile)}`);
  terminal.print(`${head}: ${countsText(result)}; ${formatSize(result.bytes)} in ${seconds.toFixed(1)} s.`);
  const later = result.assignedLater ?? 0;
  if (later > 0) terminal.print(`${later} archived before now belong to further users.`);
  const interruption = result.interruption ?? null;
  if (interruption !== null) {
    terminal.print(terminal.style("yellow", `The run was interrupted: ${oneLine(interruption)}`));
  }
  printNotArchived(result.notArchived, terminal);
}

/** One line for each mail that wasn't archived, with the reason. */
export function printNotArchived(notArchived: readonly NotArchived[], terminal: Terminal): void {
  if (notArchived.length === 0) return;
  terminal.print(terminal.style("bold", "Not archived:"));
  for (const { file, code, reason } of notArchived) {
    terminal.print(`  ${oneLine(file)}  ${terminal.style("yellow", code)}: ${oneLine(reason)}`);
  }
}

/** The exit code that a result protocol stands for (contracts: the command line). */
export function exitCodeOfResult(
  result: { readonly unassigned: number; readonly failed: number; readonly interrupted: boolean },
): ExitCode {
  if (result.interrupted) return ExitCode.tryAgain;
  return result.unassigned + result.failed > 0 ? ExitCode.incomplete : ExitCode.done;
}
