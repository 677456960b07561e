/** What stands between a client and a server in a bench. */

import { join } from "@std/path";
import { freePorts, isListening, startProgram } from "../tests/peers/program.ts";
import { descendants } from "./process_use.ts";

/** Something between a client and a server that listens on `port`. */
export interface Relay {
  readonly port: number;
  /** The processes whose CPU and memory count as its own. */
  readonly pids: () => Promise<readonly number[]>;
  readonly stop: () => Promise<unknown>;
  /** Resolves once all mails are delivered, where the client's last answer comes before that. */
  readonly delivered?: () => Promise<void>;
  /** Where it puts its copies, if it makes any. */
  readonly dropFolder?: string;
}

export interface RelayKind {
  readonly name: string;
  /** What has to be installed for it, as Debian or npm call it; null where it can run. */
  readonly missing: () => string | null;
  readonly start: (sinkPort: number, folder: string) => Promise<Relay>;
}

/** Nothing between them: clients connect to the target itself. */
export function direct(targetPort: number): Promise<Relay> {
  return Promise.resolve({ port: targetPort, pids: () => Promise.resolve([]), stop: () => Promise.resolve() });
}

/** haproxy, which looks at no octet, in one thread. */
export async function startHaproxy(targetPort: number, folder: string): Promise<Relay> {
  const [port = 0] = freePorts(1);
  const config = join(folder, "haproxy.cfg");
  await Deno.writeTextFile(
    config,
    `global\n  maxconn 8000\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 300s\n` +
      `  timeout server 300s\nlisten mail\n  bind 127.0.0.1:${port}\n  server target 127.0.0.1:${targetPort}\n`,
  );
  return await startListening("haproxy", ["-db", "-f", config], port);
}

/** Starts a program that stays in the foreground, and waits until it listens on `port`. */
export async function startListening(binary: string, args: readonly string[], port: number): Promise<Relay> {
  const program = startProgram(binary, { args });
  await program.waitFor(() => isListening(port));
  return { port, pids: () => descendants(program.pid), stop: () => program.stop() };
}
