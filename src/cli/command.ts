import type { Clock } from "../base/clock.ts";
import { MailteeError } from "../base/errors.ts";
import { parseArgs } from "@std/cli";
import type { ExitCode } from "./exit_code.ts";
import { nearest } from "../base/nearest.ts";
import type { Terminal } from "./terminal.ts";

/** One option of a command: `--name`, or `--name VALUE` where `value` says what the value is. */
export interface OptionSpec {
  /** Placeholder of the value in help, `"PATH"`; without one the option is a switch. */
  readonly value?: string;
  /** One letter, for `-x`. */
  readonly short?: string;
  readonly doc: string;
}

/** One command of the program. Its module exports it as `command`. */
export interface Command {
  readonly name: string;
  /** Operands as shown in help: `"[CONFIG]"`, `"QUERY..."`. */
  readonly operands: string;
  /** How many operands are taken, at least and at most. */
  readonly operandCount: readonly [min: number, max: number];
  readonly summary: string;
  /** Further help, wrapped by hand at 80 columns. */
  readonly description?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly run: (invocation: Invocation) => Promise<ExitCode>;
}

/** What a command is run with. */
export interface Invocation {
  readonly operands: readonly string[];
  readonly options: OptionValues;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Aborted by SIGINT and SIGTERM. `mailtee run` drains on it, other commands stop at the next safe point. */
  readonly signal: AbortSignal;
}

/** The options that were given; `flag` for switches, `value` for those with a value. */
export interface OptionValues {
  flag(name: string): boolean;
  value(name: string): string | undefined;
}

/** Options that every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  config: { value: "PATH", doc: "config file; else $MAILTEE_CONFIG, ./proxy.config.ts, ./proxy.config.yaml" },
  json: { doc: "machine-readable output on stdout" },
  "log-level": { value: "LEVEL", doc: "debug, info, warning or error" },
  "log-format": { value: "FORMAT", doc: "text or json" },
  help: { short: "h", doc: "show this help" },
};

/** Reads a command's arguments. Throws MailteeError "usage" for what the command doesn't take. */
export function parseCommandLine(
  command: Command,
  args: readonly string[],
): { readonly operands: readonly string[]; readonly options: OptionValues } {
  const specs = { ...command.options, ...COMMON_OPTIONS };
  const names = Object.keys(specs);
  const withValue = names.filter((name) => specs[name]?.value !== undefined);
  const parsed = parseArgs(protectNegations(args, specs), {
    boolean: names.filter((name) => specs[name]?.value === undefined),
    string: ["_", ...withValue],
    alias: Object.fromEntries(names.flatMap((name) => {
      const short = specs[name]?.short;
      return short === undefined ? [] : [[name, short]];
    })),
    unknown: (arg, key) => {
      if (key !== undefined) throw unknownOption(command, arg, names);
    },
  });
  const operands = parsed._.map((operand) => unprotect(String(operand)));
  const [min, max] = command.operandCount;
  if (operands.length < min || operands.length > max) {
    const what = operands.length < min ? "Something is missing" : `'${operands[max]}' is one too many`;
    throw new MailteeError("usage", `${what}: mailtee ${command.name} ${command.operands}`.trimEnd(), {
      hint: `'mailtee ${command.name} --help' shows what it takes.`,
    });
  }
  for (const name of withValue) {
    const value = parsed[name];
    if (value === "" || Array.isArray(value)) {
      throw new MailteeError("usage", `--${name} takes one ${specs[name]?.value}.`);
    }
  }
  return {
    operands,
    options: {
      flag: (name) => parsed[name] === true,
      value: (name) => {
        const value = parsed[name];
        return typeof value === "string" ? value : undefined;
      },
    },
  };
}

function unknownOption(command: Command, arg: string, names: readonly string[]): MailteeError {
  const name = arg.replace(/^-+/, "").replace(/=.*$/s, "");
  const near = nearest(name, names);
  return new MailteeError("usage", `mailtee ${command.name} has no option ${arg}.`, {
    hint: near === undefined ? `'mailtee ${command.name} --help' lists them.` : `Did you mean --${near}?`,
  });
}

/** Marks an operand such as `-draft` (a negated search word), so that it isn't taken for an option. */
const PROTECTED = "\u0000";

function protectNegations(args: readonly string[], specs: Readonly<Record<string, OptionSpec>>): string[] {
  const shorts = new Set(Object.values(specs).map((spec) => spec.short));
  return args.map((arg) => /^-[^-]/.test(arg) && !(arg.length === 2 && shorts.has(arg[1])) ? PROTECTED + arg : arg);
}

function unprotect(operand: string): string {
  return operand.startsWith(PROTECTED) ? operand.slice(PROTECTED.length) : operand;
}

/** The help text of one command. */
export function commandHelp(command: Command): string {
  const lines = [`mailtee ${command.name} ${command.operands}`.trimEnd(), "", command.summary];
  if (command.description !== undefined) lines.push("", command.description);
  for (const [title, specs] of [["Options", command.options], ["Common options", COMMON_OPTIONS]] as const) {
    const rows = Object.entries(specs).map(([name, spec]) => {
      const short = spec.short === undefined ? "" : `-${spec.short}, `;
      return [`  ${short}--${name}${spec.value === undefined ? "" : " " + spec.value}`, spec.doc] as const;
    });
    if (rows.length === 0) continue;
    const width = Math.max(...rows.map(([left]) => left.length));
    lines.push("", `${title}:`, ...rows.map(([left, doc]) => `${left.padEnd(width)}  ${doc}`));
  }
  return lines.join("\n") + "\n";
}
