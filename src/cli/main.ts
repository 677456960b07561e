import { systemClock } from "../base/clock.ts";
import { errorText, MailteeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { setUpLog } from "../base/log.ts";
import { commandHelp, type Invocation, parseCommandLine } from "./command.ts";
import { COMMANDS, overview } from "./command_table.ts";
import { ExitCode, exitCodeOf } from "./exit_code.ts";
import { logFormat, logLevel } from "./log_options.ts";
import { createTerminal, type Terminal } from "./terminal.ts";
import { versionLine } from "./version.ts";

/** Runs one command line; gives the exit code. Throws nothing. */
export async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  const terminal = createTerminal({ json: args.includes("--json"), clock: systemClock });
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    reportError(error, terminal);
    return exitCodeOf(error);
  }
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    terminal.print(overview());
    return name === undefined ? ExitCode.usage : ExitCode.done;
  }
  if (name === "--version" || name === "-V") {
    terminal.print(versionLine());
    return ExitCode.done;
  }
  const entry = COMMANDS.find((each) => each.name === name);
  if (entry === undefined) {
    const near = nearest(name, COMMANDS.map((each) => each.name));
    throw new MailteeError("usage", `There is no command '${name}'.`, {
      hint: near === undefined ? "'mailtee --help' lists the commands." : `Did you mean 'mailtee ${near}'?`,
    });
  }
  const { command } = await entry.load();
  if (rest.includes("--help") || rest.includes("-h")) {
    terminal.print(commandHelp(command));
    return ExitCode.done;
  }
  const { operands, options } = parseCommandLine(command, rest);
  await setUpLog({ level: logLevel(options) ?? "info", format: logFormat(options) ?? "text" });
  const interruption = new AbortController();
  const stop = () => interruption.abort(new MailteeError("busy", "Interrupted."));
  for (const signal of stopSignals()) Deno.addSignalListener(signal, stop);
  try {
    const invocation: Invocation = { operands, options, terminal, clock: systemClock, signal: interruption.signal };
    return await command.run(invocation);
  } finally {
    for (const signal of stopSignals()) Deno.removeSignalListener(signal, stop);
  }
}

/** Signals that ask the program to stop; Windows knows Ctrl-C and Ctrl-Break only. */
function stopSignals(): Deno.Signal[] {
  return Deno.build.os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"];
}

function reportError(error: unknown, terminal: Terminal): void {
  if (error instanceof MailteeError) {
    terminal.note(`mailtee: ${error.message}${error.hint === undefined ? "" : `\n  ${error.hint}`}`);
    return;
  }
  terminal.note(`mailtee: internal error: ${errorText(error)}`);
  if (error instanceof Error && error.stack !== undefined) terminal.note(error.stack);
  terminal.note("  This is a bug. Please report it with the lines above.");
}
