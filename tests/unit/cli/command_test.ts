import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MailteeError } from "../../../src/base/errors.ts";
import { type Command, commandHelp, parseCommandLine } from "../../../src/cli/command.ts";

const command: Command = {
  name: "find",
  operands: "WORD...",
  operandCount: [1, 3],
  summary: "Finds words.",
  description: "In any order.",
  options: {
    limit: { value: "COUNT", short: "n", doc: "at most so many" },
    all: { short: "a", doc: "everything" },
  },
  run: () => Promise.resolve(0),
};

Deno.test("parseCommandLine() tells operands, switches and options with values apart", () => {
  const { operands, options } = parseCommandLine(command, ["one", "--limit", "5", "-a", "two", "--config=x y.ts"]);
  assertEquals(operands, ["one", "two"]);
  assertEquals(options.value("limit"), "5");
  assertEquals(options.value("config"), "x y.ts");
  assertEquals(options.value("log-level"), undefined);
  assertEquals([options.flag("all"), options.flag("json")], [true, false]);
});

Deno.test("parseCommandLine() keeps operands as they are: numbers, negated words, what follows --", () => {
  assertEquals(parseCommandLine(command, ["007", "-draft", "1e3"]).operands, ["007", "-draft", "1e3"]);
  assertEquals(parseCommandLine(command, ["x", "--", "--all"]).operands, ["x", "--all"]);
});

Deno.test("parseCommandLine() refuses what the command doesn't take", () => {
  const refusals: readonly (readonly [args: readonly string[], message: string, hint: string])[] = [
    [["x", "--limt", "5"], "mailtee find has no option --limt.", "Did you mean --limit?"],
    [["x", "--zzzzzzzz=1"], "mailtee find has no option --zzzzzzzz=1.", "'mailtee find --help' lists them."],
    [[], "Something is missing: mailtee find WORD...", "'mailtee find --help' shows what it takes."],
    [["1", "2", "3", "4"], "'4' is one too many: mailtee find WORD...", "'mailtee find --help' shows what it takes."],
  ];
  for (const [args, message, hint] of refusals) {
    const error = assertThrows(() => parseCommandLine(command, args), MailteeError);
    assertEquals([error.code, error.message, error.hint], ["usage", message, hint]);
  }
  assertThrows(() => parseCommandLine(command, ["x", "--limit"]), MailteeError, "--limit takes one COUNT.");
});

Deno.test("commandHelp() shows usage, summary, description and all options in columns", () => {
  const help = commandHelp(command);
  assertEquals(help.split("\n").slice(0, 9), [
    "mailtee find WORD...",
    "",
    "Finds words.",
    "",
    "In any order.",
    "",
    "Options:",
    "  -n, --limit COUNT  at most so many",
    "  -a, --all          everything",
  ]);
  assertStringIncludes(help, "  --json               machine-readable output on stdout\n");
});
