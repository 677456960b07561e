import { assertStringIncludes } from "@std/assert";
import type { RunProtocol } from "../../../src/archive/types.ts";
import type { Command } from "../../../src/cli/command.ts";
import { ExitCode } from "../../../src/cli/exit_code.ts";
import { printResult } from "../../../src/cli/result_protocol.ts";
import { runCommand } from "./run_command.ts";

const PROTOCOL: RunProtocol = {
  profile: "nightly",
  started: "2026-11-24T02:00:00.000Z",
  finished: "2026-11-24T02:00:01.000Z",
  found: 2,
  archived: 1,
  alreadyArchived: 0,
  unassigned: 1,
  failed: 0,
  deleted: 0,
  bytes: 10,
  notArchived: [{ file: "x.eml", code: "unassigned", reason: "nobody has it", addresses: ["x@y.example"] }],
};

async function printed(protocol: RunProtocol): Promise<string> {
  const command: Command = {
    name: "show-result",
    operands: "",
    operandCount: [0, 0],
    summary: "",
    options: {},
    run: ({ terminal }) => {
      printResult(protocol, terminal);
      return Promise.resolve(ExitCode.done);
    },
  };
  return (await runCommand(command)).output;
}

Deno.test("printResult() names what wasn't archived", async () => {
  assertStringIncludes(await printed(PROTOCOL), "x.eml  unassigned: nobody has it");
});
