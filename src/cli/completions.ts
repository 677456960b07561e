import { MailteeError } from "../base/errors.ts";
import type { Command, Invocation } from "./command.ts";
import { COMMANDS } from "./command_table.ts";
import { completionScript, SHELLS } from "./completion_scripts.ts";
import { ExitCode } from "./exit_code.ts";

export const command: Command = {
  name: "completions",
  operands: "bash|zsh|fish|pwsh",
  operandCount: [1, 1],
  summary: "Prints completions of commands and options for a shell.",
  description: "For this bash session: source <(mailtee completions bash)",
  options: {},
  run: completions,
};

async function completions({ operands, terminal }: Invocation): Promise<ExitCode> {
  const shell = SHELLS.find((each) => each === operands[0]);
  if (shell === undefined) {
    throw new MailteeError("usage", `There are no completions for '${operands[0]}'.`, {
      hint: `Use ${SHELLS.join(", ")}.`,
    });
  }
  const modules = await Promise.all(COMMANDS.map((entry) => entry.load()));
  const script = completionScript(shell, modules.map((module) => module.command));
  if (terminal.wantsJson) terminal.json({ shell, script });
  else terminal.print(script);
  return ExitCode.done;
}
