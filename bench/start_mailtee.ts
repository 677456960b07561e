/** Starts mailtee for a bench: the compiled program where $MAILTEE_BIN names it, else from the sources. */

import { fromFileUrl } from "@std/path";
import { isListening, until } from "../tests/peers/program.ts";

const repository = fromFileUrl(new URL("..", import.meta.url));

/** The program and the arguments that run a mailtee command line. */
export function mailteeCommand(args: readonly string[]): { readonly binary: string; readonly args: string[] } {
  const binary = Deno.env.get("MAILTEE_BIN");
  return binary === undefined
    ? { binary: Deno.execPath(), args: ["run", "-A", "--no-check", `${repository}main.ts`, ...args] }
    : { binary, args: [...args] };
}

/** A mailtee that runs in the background, its log in a file as under a service manager. */
export interface RunningMailtee {
  readonly port: number;
  readonly pids: () => Promise<readonly number[]>;
  readonly stop: () => Promise<unknown>;
}

/** Starts a command line and waits until it listens on `port`. */
export async function startMailtee(
  args: readonly string[],
  port: number,
  logFile: string,
): Promise<RunningMailtee> {
  const command = mailteeCommand(args);
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$0" "$@" 2>>"$LOG_FILE"', command.binary, ...command.args],
    env: { LOG_FILE: logFile },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(() => isListening(port), () => `mailtee doesn't listen:\n${Deno.readTextFileSync(logFile)}`);
  return {
    port,
    pids: () => Promise.resolve([child.pid]),
    stop: () => {
      child.kill("SIGTERM");
      return child.status;
    },
  };
}

/** A config as YAML, of which JSON is a part. */
export function yaml(config: unknown): string {
  return JSON.stringify(config, null, 2);
}
