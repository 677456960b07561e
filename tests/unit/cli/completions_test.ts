import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import type { Command } from "../../../src/cli/command.ts";
import { completionScript, type Shell, SHELLS } from "../../../src/cli/completion_scripts.ts";
import { command as completions } from "../../../src/cli/completions.ts";
import { command as init } from "../../../src/cli/init.ts";
import { command as service } from "../../../src/cli/service.ts";
import { withFolder } from "../config/folder.ts";
import { runCommand } from "./run_command.ts";

const odd: Command = {
  name: "odd",
  operands: "",
  operandCount: [0, 0],
  summary: `It's [odd]: "quoted" \\ $HOME \`x\``,
  options: { "it-s": { doc: `it's 'odd': [a] $(x)` } },
  run: () => Promise.resolve(0),
};
const commands = [init, service, odd];

/** What a program prints; undefined where it isn't installed. */
async function outputOf(program: string, args: readonly string[], folder: string): Promise<string | undefined> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd: folder }).output();
    const text = new TextDecoder().decode(stdout);
    if (!success) throw new Error(`${program}: ${text}${new TextDecoder().decode(stderr)}`);
    return text;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function withScript(shell: Shell, test: (script: string, folder: string) => Promise<void>): Promise<void> {
  await withFolder({ script: completionScript(shell, commands) }, (folder) => test(join(folder, "script"), folder));
}

Deno.test("completionScript() gives scripts that the shells can read", async () => {
  const readers: readonly (readonly [shell: Shell, program: string, args: (script: string) => string[]])[] = [
    ["bash", "bash", (script) => ["-n", script]],
    ["zsh", "zsh", (script) => ["-n", script]],
    ["fish", "fish", (script) => ["--no-execute", script]],
    [
      "pwsh",
      "pwsh",
      (script) => ["-NoProfile", "-Command", `[scriptblock]::Create((Get-Content -Raw '${script}')) | Out-Null`],
    ],
  ];
  for (const [shell, program, args] of readers) {
    await withScript(shell, async (script, folder) => {
      const output = await outputOf(program, args(script), folder);
      assertEquals(output ?? "", "");
    });
  }
});

Deno.test("completionScript() completes commands, options and words in bash", async () => {
  await withScript("bash", async (script, folder) => {
    const complete = async (...words: readonly string[]) => {
      const line = `source ${script}; COMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")}); ` +
        `COMP_CWORD=${words.length - 1}; _mailtee; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return (await outputOf("bash", ["--norc", "-c", line], folder))?.trim().split("\n");
    };
    const none = await complete("mailtee", "");
    if (none === undefined) return; // no bash here
    assertEquals(none, ["init", "service", "odd", "--help", "--version"]);
    assertEquals(await complete("mailtee", "ser"), ["service"]);
    assertEquals(await complete("mailtee", "service", "s"), ["systemd", "schtasks"]);
    assertEquals(await complete("mailtee", "service", "--w"), ["--write"]);
    assertEquals(await complete("mailtee", "init", "--smtp-t"), ["--smtp-tls"]);
    assertEquals(await complete("mailtee", "unknown", "--"), [""]);
  });
});

Deno.test("completionScript() names every command and option in every shell", () => {
  for (const shell of SHELLS) {
    const script = completionScript(shell, commands);
    for (const name of ["init", "service", "smtp-host", "write", "systemd", "log-level"]) {
      assertStringIncludes(script, name);
    }
  }
});

Deno.test("completions refuses a shell that it doesn't know", async () => {
  await assertRejects(() => runCommand(completions, "tcsh"), MailteeError, "There are no completions for 'tcsh'.");
});
