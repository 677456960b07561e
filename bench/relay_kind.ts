/** What stands between a client and a server in a bench. */

import { isListening, startProgram } from "../tests/peers/program.ts";
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

/** Starts a program that stays in the foreground, and waits until it listens on `port`. */
export async function startListening(binary: string, args: readonly string[], port: number): Promise<Relay> {
  const program = startProgram(binary, { args });
  await program.waitFor(() => isListening(port));
  return { port, pids: () => descendants(program.pid), stop: () => program.stop() };
}
