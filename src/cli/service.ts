import { fromFileUrl } from "@std/path";
import { errorText, MailteeError } from "../base/errors.ts";
import { loadConfig } from "../config/load.ts";
import type { Command, Invocation } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { SERVICE_KINDS, serviceFile, type ServiceKind } from "./service_files.ts";

export const command: Command = {
  name: "service",
  operands: "[systemd|cron|schtasks|launchd]",
  operandCount: [0, 1],
  summary: "Prints what starts mailtee with the system, for this executable and this config.",
  description: `systemd: a hardened unit. cron: a line for each profile. schtasks: a PowerShell script
for the Windows Task Scheduler. launchd: a job for macOS. Without a word, what this
system has. Nothing is written without --write.`,
  options: {
    user: { value: "NAME", doc: "system user that mailtee runs as" },
    write: { doc: "write the file where it belongs" },
  },
  run: service,
};

const NATIVE: Partial<Record<typeof Deno.build.os, ServiceKind>> = { windows: "schtasks", darwin: "launchd" };

async function service({ operands, options, terminal }: Invocation): Promise<ExitCode> {
  const word = operands[0] ?? NATIVE[Deno.build.os] ?? "systemd";
  const kind = SERVICE_KINDS.find((each) => each === word);
  if (kind === undefined) {
    throw new MailteeError("usage", `There is no service file for '${word}'.`, {
      hint: `Use ${SERVICE_KINDS.join(", ")}.`,
    });
  }
  const config = await loadConfig(options.value("config"));
  const file = serviceFile(kind, { program: thisProgram(), config, user: options.value("user") ?? defaultUser() });
  if (options.flag("write")) write(file.path, file.text);
  if (terminal.wantsJson) {
    terminal.json({ kind, ...file, written: options.flag("write") });
  } else if (options.flag("write")) {
    terminal.print([`Wrote ${file.path}.`, ...nextSteps(file.activation)].join("\n"));
  } else {
    terminal.print(file.text);
    terminal.note([`It belongs into ${file.path}; --write writes it there.`, ...nextSteps(file.activation)].join("\n"));
  }
  return ExitCode.done;
}

function nextSteps(activation: readonly string[]): string[] {
  return activation.length === 0 ? [] : ["Then:", ...activation.map((line) => `  ${line}`)];
}

function write(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text);
  } catch (error) {
    throw new MailteeError("io", `${path} can't be written: ${errorText(error)}.`, {
      cause: error,
      hint: "It takes administrator rights.",
    });
  }
}

/** The rights that the program needs, as in the task `compile` of deno.json. */
const RIGHTS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

/** The compiled program, or Deno with main.ts. */
function thisProgram(): readonly string[] {
  return Deno.build.standalone
    ? [Deno.execPath()]
    : [Deno.execPath(), "run", "--no-check", ...RIGHTS, fromFileUrl(Deno.mainModule)];
}

/** The user who calls; a user of its own where that is root. */
function defaultUser(): string {
  const name = Deno.env.get("USER") ?? "";
  return name === "" || name === "root" || Deno.build.os === "windows" ? "mailtee" : name;
}
