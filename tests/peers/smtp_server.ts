import { join } from "@std/path";
import { decodeLatin1 } from "../../src/base/bytes.ts";
import type { TestCertificate } from "./certificate.ts";
import { crlfFromLf } from "./line_ends.ts";
import { whenListening } from "./listening.ts";
import type { RunningProgram } from "./program.ts";
import { filesIn } from "./stored_files.ts";

/** A mail server that takes mail for its users at company.example. */
export interface SmtpServer {
  /** Clear text, and STARTTLS. */
  readonly smtpPort: number;
  /** Implicit TLS. */
  readonly smtpsPort: number;
  /** What a user got, in no particular order, without what the server put before it, with CRLF line ends. */
  delivered(user: string): Promise<Uint8Array[]>;
  /** What the server has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

export interface SmtpServerOptions {
  /** An empty folder that other users can enter. */
  readonly folder: string;
  readonly certificate: TestCertificate;
  /** Local parts at company.example; their passwords are those of `passwordOf`. */
  readonly users: readonly string[];
}

/** A server that was started and keeps what it takes in Maildirs, once it listens; `trace` as `mailsOfMaildir` takes it. */
export async function maildirServer(
  program: RunningProgram,
  ports: Pick<SmtpServer, "smtpPort" | "smtpsPort">,
  mailboxes: string,
  trace: RegExp,
): Promise<SmtpServer> {
  const stop = async () => {
    await program.stop("SIGKILL");
  };
  await whenListening(program, [ports.smtpPort, ports.smtpsPort], stop);
  return { ...ports, delivered: (user) => mailsOfMaildir(join(mailboxes, user), trace), log: program.output, stop };
}

/** The mails of a Maildir, without the fields that `trace` matches at their beginning, with CRLF line ends. */
export async function mailsOfMaildir(maildir: string, trace: RegExp): Promise<Uint8Array[]> {
  return (await filesIn(join(maildir, "new"))).map((stored) => {
    const [fields] = trace.exec(decodeLatin1(stored.subarray(0, MAX_TRACE_BYTES))) ?? [];
    if (fields === undefined) throw new Error(`The mail doesn't begin as the server begins it: ${trace}`);
    return crlfFromLf(stored.subarray(fields.length));
  });
}

const MAX_TRACE_BYTES = 2000;
