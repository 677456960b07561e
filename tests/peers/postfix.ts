import { join } from "@std/path";
import type { TestCertificate } from "./certificate.ts";
import { whenListening } from "./listening.ts";
import { freePorts, type RunningProgram, runOrFail, startProgram } from "./program.ts";
import { mailsOfMaildir } from "./smtp_server.ts";
import { namesIn } from "./stored_files.ts";

/** A Postfix of its own that takes mail for its users at company.example, and refuses all other recipients. */
export interface Postfix {
  /** Offers STARTTLS. */
  readonly smtpPort: number;
  /** Implicit TLS. */
  readonly smtpsPort: number;
  /** The mails in the Maildir of a user, in no particular order, without what Postfix put before them, with CRLF line ends. */
  delivered(user: string): Promise<Uint8Array[]>;
  /** How many these are. */
  deliveredCount(user: string): Promise<number>;
  /** What Postfix has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Larger mails are refused. */
export const POSTFIX_MAX_MAIL_BYTES = 11_000_000;

export interface PostfixOptions {
  /** An empty folder. */
  readonly folder: string;
  readonly certificate: TestCertificate;
  /** Local parts at company.example. */
  readonly users: readonly string[];
  /** Port of a Dovecot authentication service; without one there is no AUTH. */
  readonly authPort?: number;
  /** Settings of main.cf beside or instead of those that are made here. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts Postfix in the foreground, with config, queue and mailboxes in `folder`. Needs root. */
export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const { folder } = options;
  const [smtpPort = 0, smtpsPort = 0] = freePorts(2);
  const config = join(folder, "config");
  const mailboxes = join(folder, "mailboxes");
  for (const name of ["config", "queue", "data", "mailboxes"]) await Deno.mkdir(join(folder, name));
  await runOrFail("chown", { args: ["postfix:", join(folder, "data")] });
  await Deno.chown(mailboxes, 65534, 65534);
  await Deno.chmod(folder, 0o755);
  await Deno.writeTextFile(join(config, "main.cf"), mainConfig(options, mailboxes));
  await Deno.writeTextFile(join(config, "master.cf"), masterConfig(smtpPort, smtpsPort));
  const program = startProgram("postfix", { args: ["-c", config, "start-fg"] });
  const stop = () => stopPostfix(program, folder);
  await whenListening(program, [smtpPort, smtpsPort], stop);
  return {
    smtpPort,
    smtpsPort,
    delivered: (user) => mailsOfMaildir(join(mailboxes, user), TRACE),
    deliveredCount: async (user) => (await namesIn(join(mailboxes, user, "new"))).length,
    log: program.output,
    stop,
  };
}

/** Ends the master daemon; the program that was started is only its parent. */
async function stopPostfix(program: RunningProgram, folder: string): Promise<void> {
  try {
    Deno.kill(Number(await Deno.readTextFile(join(folder, "queue/pid/master.pid"))), "SIGTERM");
  } catch {
    // It hasn't come so far, or has ended by itself.
  }
  await program.stop();
}

function mainConfig(
  { folder, certificate, users, authPort, settings: more }: PostfixOptions,
  mailboxes: string,
): string {
  const settings = {
    compatibility_level: "3.6",
    queue_directory: join(folder, "queue"),
    data_directory: join(folder, "data"),
    maillog_file: "/dev/stdout",
    myhostname: "postfix.company.example",
    mydestination: "",
    mynetworks: "127.0.0.0/8",
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    alias_maps: "",
    alias_database: "",
    message_size_limit: String(POSTFIX_MAX_MAIL_BYTES),
    virtual_mailbox_limit: "0",
    virtual_mailbox_domains: "company.example",
    virtual_mailbox_maps: `inline:{${users.map((user) => `${user}@company.example=${user}/`).join(", ")}}`,
    virtual_mailbox_base: mailboxes,
    virtual_uid_maps: "static:65534",
    virtual_gid_maps: "static:65534",
    default_transport: "error:only company.example here",
    smtpd_recipient_restrictions: "permit_mynetworks, reject",
    smtpd_tls_cert_file: certificate.certFile,
    smtpd_tls_key_file: certificate.keyFile,
    smtpd_tls_security_level: "may",
    smtpd_sasl_auth_enable: authPort === undefined ? "no" : "yes",
    smtpd_sasl_type: "dovecot",
    smtpd_sasl_path: `inet:127.0.0.1:${authPort ?? 0}`,
    ...more,
  };
  return Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`).join("");
}

function masterConfig(smtpPort: number, smtpsPort: number): string {
  return [
    `127.0.0.1:${smtpPort} inet n - n - - smtpd`,
    `127.0.0.1:${smtpsPort} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes`,
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "flush unix n - n 1000? 0 flush",
    "proxymap unix - - n - - proxymap",
    "error unix - - n - - error",
    "virtual unix - n n - - virtual",
    "anvil unix - - n - 1 anvil",
    "tlsmgr unix - - n 1000? 1 tlsmgr",
    "postlog unix-dgram n - n - 1 postlogd",
    "",
  ].join("\n");
}

/** Fields that Postfix puts before a mail, in this order: once by virtual(8), once by smtpd(8). */
const TRACE = /^Return-Path: .*\nX-Original-To: .*\nDelivered-To: .*\nReceived: .*\n(?:[ \t].*\n)*/;
