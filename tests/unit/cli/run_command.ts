import { systemClock } from "../../../src/base/clock.ts";
import { type Command, parseCommandLine } from "../../../src/cli/command.ts";
import type { ExitCode } from "../../../src/cli/exit_code.ts";
import type { Terminal } from "../../../src/cli/terminal.ts";

/** What a command did. */
export interface CommandRun {
  readonly exitCode: ExitCode;
  /** What it printed on stdout. */
  readonly output: string;
  /** What it noted on stderr. */
  readonly notes: string;
  /** The JSON documents on stdout. */
  readonly documents: readonly unknown[];
}

/** Runs a command in this process, on a terminal that nobody sits at. Rejects with what the command throws. */
export async function runCommand(command: Command, ...args: readonly string[]): Promise<CommandRun> {
  const output: string[] = [];
  const notes: string[] = [];
  const documents: unknown[] = [];
  const { operands, options } = parseCommandLine(command, args);
  const terminal: Terminal = {
    wantsJson: options.flag("json"),
    interactive: false,
    columns: 80,
    print: (text) => void output.push(text.endsWith("\n") ? text : text + "\n"),
    json: (document) => void documents.push(JSON.parse(JSON.stringify(document))),
    bytes: () => Promise.resolve(),
    note: (text) => void notes.push(`${text}\n`),
    style: (_kind, text) => text,
    progress: () => ({ update() {}, end() {} }),
  };
  const { signal } = new AbortController();
  const exitCode = await command.run({ operands, options, terminal, clock: systemClock, signal });
  return { exitCode, output: output.join(""), notes: notes.join(""), documents };
}
