import { Buffer } from "node:buffer";
import { join } from "@std/path";
import type { TlsMode } from "../../src/net/types.ts";
import { DEBIAN_PYTHON } from "./debian_python.ts";
import { talkByOpenssl } from "./openssl_dialog.ts";
import { runOrFail } from "./program.ts";

/** A mail for a client to send to a server on this machine. */
export interface SmtpJob {
  readonly port: number;
  /** @default "smtp"; swaks and msmtp alone have LMTP here. */
  readonly protocol?: "smtp" | "lmtp";
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
  readonly modes: readonly TlsMode[];
  /** Sends one mail. Rejects with all that the program said where it doesn't succeed. */
  send(job: SmtpJob): Promise<void>;
}

const ALL_MODES: readonly TlsMode[] = ["none", "starttls", "implicit"];
const HERE = import.meta.dirname ?? ".";

export const SMTP_CLIENTS: readonly SmtpClient[] = [
  {
    name: "swaks",
    binary: "swaks",
    modes: ALL_MODES,
    send: async (job) => {
      const tls = { none: [], starttls: ["--tls"], implicit: ["--tls-on-connect"] }[job.tls];
      const login = job.login === undefined
        ? []
        : ["--auth", "--auth-user", job.login.username, "--auth-password", job.login.password];
      await runOrFail("swaks", {
        args: [
          ...["--protocol", job.protocol === "lmtp" ? "LMTP" : "ESMTP"],
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
    modes: ALL_MODES,
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
          ...[
            "--file=/dev/null",
            `--protocol=${job.protocol ?? "smtp"}`,
            "--host=localhost",
            `--port=${job.port}`,
            `--from=${job.mailFrom}`,
          ],
          ...[`--tls-trust-file=${job.caFile}`, ...tls, ...login, "--", ...job.recipients],
        ],
        stdin: job.content,
      });
    },
  },
  {
    name: "curl",
    binary: "curl",
    modes: ALL_MODES,
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
    binary: DEBIAN_PYTHON,
    modes: ALL_MODES,
    send: (job) => runScript(DEBIAN_PYTHON, "send.py", job),
  },
  {
    name: "Perl's Net::SMTP",
    binary: "perl",
    modes: ALL_MODES,
    send: (job) => runScript("perl", "send.pl", job),
  },
  {
    name: "s-nail",
    binary: "s-nail",
    modes: ALL_MODES,
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
  { name: "mutt", binary: "mutt", modes: ALL_MODES, send: sendByMutt },
  { name: "openssl s_client", binary: "openssl", modes: ["starttls", "implicit"], send: sendByOpenssl },
];

/** nodemailer, under Deno. */
export const NODEMAILER: SmtpClient = {
  name: "nodemailer",
  binary: Deno.execPath(),
  modes: ALL_MODES,
  send: (job) => runScript(Deno.execPath(), "send.js", job),
};

async function sendByMutt(job: SmtpJob): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: job.folder });
  const login = job.login === undefined ? "" : `${job.login.username}:${job.login.password}@`;
  const settings = [
    `smtp_url="${job.tls === "implicit" ? "smtps" : "smtp"}://${login}localhost:${job.port}"`,
    `ssl_starttls=${job.tls === "starttls" ? "yes" : "no"}`,
    `ssl_force_tls=${job.tls === "none" ? "no" : "yes"}`,
    `certificate_file="${job.caFile}"`,
    ...[`from="${job.mailFrom}"`, "use_envelope_from=yes", "charset=utf-8", "copy=no"],
  ];
  const config = join(folder, "muttrc");
  await Deno.writeTextFile(config, settings.map((setting) => `set ${setting}\n`).join(""), { mode: 0o600 });
  await runOrFail("mutt", {
    args: ["-n", "-F", config, "-s", "from mutt", "--", ...job.recipients],
    env: { HOME: folder },
    stdin: job.content,
  });
}

async function sendByOpenssl(job: SmtpJob): Promise<void> {
  if (job.tls === "none") throw new Error("openssl s_client has no clear text.");
  await talkByOpenssl({ ...job, tls: job.tls, protocol: "smtp" }, async (say) => {
    const reply = (code: string) => new RegExp(`^(?:${code}-.*\r\n)*${code} .*\r\n`);
    if (job.tls === "implicit") await say("", reply("220"));
    await say("EHLO client.company.example\r\n", reply("250"));
    if (job.login !== undefined) {
      await say(`AUTH PLAIN ${btoa(`\0${job.login.username}\0${job.login.password}`)}\r\n`, reply("235"));
    }
    await say(`MAIL FROM:<${job.mailFrom}>\r\n`, reply("250"));
    for (const recipient of job.recipients) await say(`RCPT TO:<${recipient}>\r\n`, reply("250"));
    await say("DATA\r\n", reply("354"));
    await say(`${Buffer.from(job.content).toString("latin1").replaceAll(/^\./gm, "..")}.\r\n`, reply("250"));
    await say("QUIT\r\n", reply("221"));
  });
}

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
