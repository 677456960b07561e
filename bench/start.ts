/**
 * How long the program takes to say `--help`, and to answer its port. $MAILTEE_BIN names the compiled program; else it
 * is run from the sources.
 *
 *     deno task bench start [--rounds 15]
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { freePorts, isListening, runOrFail } from "../tests/peers/program.ts";
import { figure, markdownTable, median, percentile } from "./figures.ts";
import { mailteeCommand, yaml } from "./start_mailtee.ts";
import { inWorkFolder } from "./work_folder.ts";

const args = parseArgs(Deno.args, { string: ["rounds"], default: { rounds: "15" } });
const rounds = Number(args["rounds"]);

await inWorkFolder(async (folder) => {
  const help: number[] = [];
  const answer: number[] = [];
  for (let round = 0; round < rounds; round++) {
    help.push(await timed(() => runOrFail(...commandLine(["--help"]))));
    answer.push(await timeToAnswer(join(folder, String(round))));
  }
  const rows = [["--help", help], ["run, until its port answers", answer]] as const;
  console.log(
    markdownTable(
      ["", "median ms", "fastest ms", "p90 ms"],
      rows.map(([name, times]) => [
        name,
        figure(median(times)),
        figure(Math.min(...times)),
        figure(percentile(times, 0.9)),
      ]),
    ),
  );
});

function commandLine(words: readonly string[]): [string, { args: string[] }] {
  const { binary, args } = mailteeCommand(words);
  return [binary, { args }];
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

async function timeToAnswer(own: string): Promise<number> {
  await Deno.mkdir(own);
  const [port = 0] = freePorts(1);
  const config = join(own, "proxy.config.yaml");
  const proxy = {
    kind: "smtp",
    listen: [{ address: "127.0.0.1", port, tls: "none" }],
    target: { host: "127.0.0.1", port: 9 },
  };
  await Deno.writeTextFile(config, yaml({ dropFolder: join(own, "drop"), proxies: [proxy] }));
  const [binary, options] = commandLine(["run", config]);
  const started = performance.now();
  const child = new Deno.Command(binary, { ...options, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  while (!await isListening(port)) await new Promise((resolve) => setTimeout(resolve, 2));
  const taken = performance.now() - started;
  child.kill("SIGTERM");
  await child.status;
  return taken;
}
