import { join } from "@std/path";
import type { TlsMode } from "../../src/net/types.ts";
import { runOrFail } from "./program.ts";

/** A mail for a client to send to a server on this machine. */
export interface SmtpJob {
  readonly port: number;
  readonly tls: TlsMode;
  /** The certificate that the server shows. */
  readonly caFile: string;
  /** A folder for the client's own files. */
  readonly folder: string;
  readonly mailFrom: string;
  readonly recipients: readonly string[];
  /** Lines end in CRLF. Clients that write mails themselves take it as their text. */
  readonly content: Uint8Array;
  readonly login?: { readonly username: string; readonly password: string };
}

/** A program that sends mails. What exactly it sends is its own affair: the server's copy tells. */
export interface SmtpClient {
  readonly name: string;
  readonly binary: string;
  /** Sends one mail. Rejects with all that the program said where it doesn't succeed. */
  send(job: SmtpJob): Promise<void>;
}

const HERE = import.meta.dirname ?? ".";

export const SMTP_CLIENTS: readonly SmtpClient[] = [
  {
    name: "swaks",
    binary: "swaks",
    send: async (job) => {
      const tls = { none: [], starttls: ["--tls"], implicit: ["--tls-on-connect"] }[job.tls];
      const login = job.login === undefined
        ? []
        : ["--auth", "--auth-user", job.login.username, "--auth-password", job.login.password];
      await runOrFail("swaks", {
        args: [
          ...["--server", "localhost", "--port", String(job.port), "--from", job.mailFrom],
          ...["--to", job.recipients.join(","), "--data", "-", "--hide-all", ...tls, ...login],
        ],
        stdin: job.content,
      });
    },
  },
  {
    name: "msmtp",
    binary: "msmtp",
    send: async (job) => {
      const tls = {
        none: ["--tls=off"],
        starttls: ["--tls=on", "--tls-starttls=on"],
        implicit: ["--tls=on", "--tls-starttls=off"],
      }[job.tls];
      const login = job.login === undefined
        ? ["--auth=off"]
        : ["--auth=on", `--user=${job.login.username}`, `--passwordeval=echo ${job.login.password}`];
      await runOrFail("msmtp", {
        args: [
          ...["--file=/dev/null", "--host=localhost", `--port=${job.port}`, `--from=${job.mailFrom}`],
          ...[`--tls-trust-file=${job.caFile}`, ...tls, ...login, "--", ...job.recipients],
        ],
        stdin: job.content,
      });
    },
  },
  {
    name: "curl",
    binary: "curl",
    send: async (job) => {
      const url = `${job.tls === "implicit" ? "smtps" : "smtp"}://localhost:${job.port}/client.company.example`;
      const login = job.login === undefined ? [] : ["--user", `${job.login.username}:${job.login.password}`];
      await runOrFail("curl", {
        args: [
          ...["--silent", "--show-error", "--cacert", job.caFile, "--mail-from", job.mailFrom, "--upload-file", "-"],
          ...job.recipients.flatMap((address) => ["--mail-rcpt", address]),
          ...(job.tls === "starttls" ? ["--ssl-reqd"] : []),
          ...login,
          url,
        ],
        stdin: job.content,
      });
    },
  },
  {
    name: "Python's smtplib",
    binary: "python3",
    send: (job) => runScript("python3", "send.py", job),
  },
  {
    name: "Perl's Net::SMTP",
    binary: "perl",
    send: (job) => runScript("perl", "send.pl", job),
  },
  {
    name: "s-nail",
    binary: "s-nail",
    send: async (job) => {
      const settings = [
        `mta=${job.tls === "implicit" ? "smtps" : "smtp"}://${
          job.login === undefined ? "" : `${job.login.username}:${job.login.password}@`
        }localhost:${job.port}`,
        `smtp-auth=${job.login === undefined ? "none" : "plain"}`,
        `tls-ca-file=${job.caFile}`,
        ...["v15-compat", "sendwait", "hostname=client.company.example", `from=${job.mailFrom}`],
        ...(job.tls === "starttls" ? ["smtp-use-starttls"] : []),
      ];
      await runOrFail("s-nail", {
        args: [
          ...["-:/", "-s", "from s-nail", ...settings.flatMap((setting) => ["-S", setting])],
          ...["-r", job.mailFrom, ...job.recipients],
        ],
        env: { MAILRC: "/dev/null" },
        stdin: job.content,
      });
    },
  },
];

/** nodemailer, under Deno. */
export const NODEMAILER: SmtpClient = {
  name: "nodemailer",
  binary: Deno.execPath(),
  send: (job) => runScript(Deno.execPath(), "send.js", job),
};

/** Runs one of the scripts beside this file: job as arguments, mail as standard input. */
async function runScript(interpreter: string, script: string, job: SmtpJob): Promise<void> {
  await runOrFail(interpreter, {
    args: [
      ...(interpreter === Deno.execPath() ? ["run", "-A", "--no-check"] : []),
      ...[join(HERE, script), String(job.port), job.tls, job.caFile],
      ...[job.login?.username ?? "", job.login?.password ?? "", job.mailFrom, ...job.recipients],
    ],
    stdin: job.content,
  });
}
