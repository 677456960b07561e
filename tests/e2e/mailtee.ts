import { fromFileUrl, join } from "@std/path";
import { decodeUtf8 } from "../../src/base/bytes.ts";
import { type ProgramResult, type RunningProgram, runProgram, startProgram } from "../peers/program.ts";

/** The program, as a person at a shell in one folder has it. */
export interface Shell {
  /** Runs one command to its end. */
  mailtee(...args: readonly string[]): Promise<ProgramResult>;
  /** Runs one command that has to end with `code`; gives what it wrote to stdout. */
  text(code: number, ...args: readonly string[]): Promise<string>;
  /** The same with `--json`; gives the document. */
  json(code: number, ...args: readonly string[]): Promise<unknown>;
  /** Starts a command and leaves it running; the caller must stop it. */
  start(...args: readonly string[]): RunningProgram;
}

const repository = fromFileUrl(new URL("../../", import.meta.url));

/** A shell in a folder, with further variables in its environment. */
export function shellIn(folder: string, variables: Readonly<Record<string, string>> = {}): Shell {
  const [binary = "", ...before] = mailteeLine();
  const commandLine = (args: readonly string[]) => ({
    args: [...before, ...args],
    cwd: folder,
    env: { NO_COLOR: "1", ...variables },
  });
  const mailtee = (...args: readonly string[]) => runProgram(binary, commandLine(args));
  const text = async (code: number, ...args: readonly string[]) => {
    const result = await mailtee(...args);
    const stdout = decodeUtf8(result.stdout);
    if (result.code === code) return stdout;
    throw new Error(`mailtee ${args.join(" ")} ended with ${result.code}, not ${code}:\n${stdout}${result.stderr}`);
  };
  return {
    mailtee,
    text,
    json: async (code, ...args) => JSON.parse(await text(code, ...args, "--json")),
    start: (...args) => startProgram(binary, commandLine(args)),
  };
}

/**
 * What the program's command line begins with: the executable that `MAILTEE_BIN` names, else the sources. One with a bug
 * of tests/faults/sown_program.ts in it is always made of the sources.
 */
export function mailteeLine(sown?: string): string[] {
  const executable = Deno.env.get("MAILTEE_BIN");
  if (executable !== undefined && sown === undefined) return [executable];
  const main = sown === undefined ? "main.ts" : "tests/faults/sown_program.ts";
  return [Deno.execPath(), "run", "-A", "--no-check", join(repository, main)];
}
