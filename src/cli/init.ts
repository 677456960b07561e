import { join, resolve } from "@std/path";
import { errorText, MailteeError } from "../base/errors.ts";
import { configTypes } from "../config/config_types.ts";
import { CONFIG_NAMES } from "../config/locate.ts";
import {
  PASSWORD_VARIABLE,
  type StarterAnswers,
  starterEnv,
  starterTypeScript,
  starterYaml,
} from "../config/starter.ts";
import type { Command, Invocation } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { ANSWER_OPTIONS, collectAnswers } from "./init_questions.ts";

export const command: Command = {
  name: "init",
  operands: "[DIR]",
  operandCount: [0, 1],
  summary: "Writes proxy.config.ts, mailtee.d.ts and .env.example into DIR (the current folder).",
  description: `On a terminal it asks for what the options don't say; otherwise, and with --yes, it
takes the defaults. A config that is there already stays, unless --force is given.`,
  options: {
    yes: { short: "y", doc: "take the defaults, don't ask" },
    force: { doc: "overwrite a config that is there" },
    yaml: { doc: "write proxy.config.yaml instead" },
    types: { doc: "only bring mailtee.d.ts up to date" },
    ...ANSWER_OPTIONS,
  },
  run: (invocation) => Promise.resolve(init(invocation)),
};

function init(invocation: Invocation): ExitCode {
  const { operands, options, terminal } = invocation;
  const directory = resolve(operands[0] ?? ".");
  if (options.flag("types")) {
    report([writeFile(directory, "mailtee.d.ts", configTypes())], "");
    return ExitCode.done;
  }
  refuseIfThere(directory, options.flag("force"));
  const yaml = options.flag("yaml");
  const answers = collectAnswers(options, terminal.interactive && !options.flag("yes") ? askOnTerminal : null);
  const written = yaml ? [writeFile(directory, "proxy.config.yaml", starterYaml(answers))] : [
    writeFile(directory, "proxy.config.ts", starterTypeScript(answers)),
    writeFile(directory, "mailtee.d.ts", configTypes()),
  ];
  written.push(writeFile(directory, ".env.example", starterEnv()));
  report(written, nextSteps(answers, written[0] ?? ""));
  return ExitCode.done;

  function report(names: readonly string[], further: string): void {
    if (terminal.wantsJson) terminal.json({ directory, written: names });
    else terminal.print(`Wrote ${names.join(", ")} into ${directory}.\n${further}`);
  }
}

/** The suggestion stands beside the question: `prompt` would put it into the answer, to be erased first. */
function askOnTerminal(question: string, suggestion: string): string | null {
  return prompt(suggestion === "" ? `${question}:` : `${question} [${suggestion}]:`);
}

/** Either name counts: with both there, the TypeScript file would be the one that is read. */
function refuseIfThere(directory: string, force: boolean): void {
  const there = CONFIG_NAMES.map((name) => join(directory, name)).find(exists);
  if (there === undefined || force) return;
  throw new MailteeError("usage", `${there} is there already.`, {
    hint: "--force overwrites it; --types only brings mailtee.d.ts up to date.",
  });
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw new MailteeError("io", `${path} can't be looked at: ${errorText(error)}.`, { cause: error });
  }
}

/** Gives the name back. */
function writeFile(directory: string, name: string, text: string): string {
  try {
    Deno.mkdirSync(directory, { recursive: true });
    Deno.writeTextFileSync(join(directory, name), text);
    return name;
  } catch (error) {
    throw new MailteeError("io", `${join(directory, name)} can't be written: ${errorText(error)}.`, { cause: error });
  }
}

function nextSteps(answers: StarterAnswers, config: string): string {
  const steps = [
    `Look through ${config}: the servers, and the users with their addresses.`,
    ...answers.smtpUser === null ? [] : [`Copy .env.example to .env and put the password in as ${PASSWORD_VARIABLE}.`],
    "mailtee check   says what is wrong or risky, and whether the servers can be reached.",
    "mailtee run     starts the proxies. Then point mail clients at this machine.",
  ];
  const lines = ["", "Next:", ...steps.map((step, index) => `  ${index + 1}. ${step}`)];
  const lowPort = Math.min(answers.smtp.listenPort, answers.pop3.listenPort);
  if (lowPort < FIRST_FREE_PORT && Deno.build.os === "linux" && Deno.uid() !== 0) {
    lines.push(
      "",
      `Ports below ${FIRST_FREE_PORT}, such as ${lowPort}, aren't open to every user: 'mailtee service systemd' prints a`,
      "unit that may use them; or choose others, such as 2525 and 1100.",
    );
  }
  return lines.join("\n");
}

/** Ports from here on are open to every user. */
const FIRST_FREE_PORT = 1024;
