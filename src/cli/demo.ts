import { setUpLog } from "../base/log.ts";
import { loadConfig } from "../config/load.ts";
import { runDemo } from "../demo/demo.ts";
import type { Command, Invocation } from "./command.ts";
import type { ExitCode } from "./exit_code.ts";
import { logFormat, logLevel } from "./log_options.ts";

export const command: Command = {
  name: "demo",
  operands: "",
  operandCount: [0, 0],
  summary: "Shows the whole way on this machine, with a built-in mail server and sample mails.",
  description: `Everything happens on this machine's loopback addresses and in a folder of its own.
Ends with 0 only where every step gave what it should.`,
  options: {
    keep: { value: "DIR", doc: "work in this folder and leave config, drop folder and archive there" },
  },
  run,
};

async function run({ options, terminal, clock, signal }: Invocation): Promise<ExitCode> {
  // What the demo prints is the story; of the proxies' own log only errors belong into it.
  await setUpLog({ level: logLevel(options) ?? "error", format: logFormat(options) ?? "text" });
  const keep = options.value("keep");
  return await runDemo({
    print: (line) => terminal.print(line),
    ...(keep === undefined ? {} : { keep }),
    clock,
    signal,
    loadConfig,
  });
}
