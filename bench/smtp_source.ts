/** Load by Postfix's smtp-source. */

import { runOrFail } from "../tests/peers/program.ts";

export interface SourceLoad {
  readonly port: number;
  readonly sessions: number;
  readonly mails: number;
  readonly bytes: number;
  /** Many mails on one connection, or a connection for each. */
  readonly reuse: boolean;
}

/** A load in words. */
export function loadTitle({ bytes, sessions, reuse }: Pick<SourceLoad, "bytes" | "sessions" | "reuse">): string {
  const kilobytes = bytes / 1024;
  const size = kilobytes < 1024 ? `${kilobytes} KB` : `${kilobytes / 1024} MB`;
  return `${size}, ${reuse ? "many mails" : "one mail"} a connection, ${sessions} session${sessions === 1 ? "" : "s"}`;
}

/**
 * Sends so many mails; gives how many seconds it took until the last was accepted. Rejects where a connection or a mail
 * was refused, or lost.
 */
export async function sendBySource({ port, sessions, mails, bytes, reuse }: SourceLoad): Promise<number> {
  const started = performance.now();
  await runOrFail("smtp-source", {
    args: [
      ...(reuse ? ["-d"] : []),
      ...["-s", String(sessions), "-m", String(mails), "-l", String(bytes)],
      ...["-f", "from@company.example", "-t", "to@company.example", `127.0.0.1:${port}`],
    ],
  });
  return (performance.now() - started) / 1000;
}
