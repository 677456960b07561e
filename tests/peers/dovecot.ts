import { join } from "@std/path";
import type { TestCertificate } from "./certificate.ts";
import { whenListening } from "./listening.ts";
import { freePorts, startProgram } from "./program.ts";
import { mailsOfMaildir } from "./smtp_server.ts";

/**
 * A Dovecot of its own: POP3 for users whose password is `secret-of-NAME`, their authentication for Postfix, and their
 * submission where there is a server that takes the mails.
 */
export interface Dovecot {
  /** Offers STLS, and USER/PASS in clear text. */
  readonly pop3Port: number;
  /** Implicit TLS. */
  readonly pop3sPort: number;
  /** The same as both of them, for clients that a PROXY header names. */
  readonly balancedPop3Port: number;
  readonly balancedPop3sPort: number;
  /** Offers STARTTLS. */
  readonly lmtpPort: number;
  /** Implicit TLS. */
  readonly lmtpsPort: number;
  /** Offers STARTTLS. Nothing listens here, and at the next one, without `relayPort`. */
  readonly submissionPort: number;
  /** Implicit TLS. */
  readonly submissionsPort: number;
  /** Dovecot's authentication protocol, for `startPostfix`. */
  readonly authPort: number;
  /** Puts mails into a user's mailbox as files; POP3 gives them back as they are. */
  put(user: string, mails: readonly Uint8Array[]): Promise<void>;
  /** What came into a user's mailbox by LMTP, in no particular order, without what Dovecot put before it. */
  delivered(user: string): Promise<Uint8Array[]>;
  /** What Dovecot has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

export interface DovecotOptions {
  /** An empty folder. */
  readonly folder: string;
  readonly certificate: TestCertificate;
  readonly users: readonly string[];
  /** The server on this machine that submitted mails are passed on to, in clear text. */
  readonly relayPort?: number;
}

/** The password of a user at `startDovecot`. */
export function passwordOf(user: string): string {
  return `secret-of-${user}`;
}

/** Starts Dovecot in the foreground, with config, run-time files and mailboxes in `folder`. Needs root. */
export async function startDovecot(options: DovecotOptions): Promise<Dovecot> {
  const { folder } = options;
  const [pop3Port = 0, pop3sPort = 0, balancedPop3Port = 0, balancedPop3sPort = 0, ...others] = freePorts(9);
  const [lmtpPort = 0, lmtpsPort = 0, authPort = 0, submissionPort = 0, submissionsPort = 0] = others;
  const pop3Ports = { pop3Port, pop3sPort, balancedPop3Port, balancedPop3sPort };
  const ports = { ...pop3Ports, lmtpPort, lmtpsPort, authPort, submissionPort, submissionsPort };
  const config = join(folder, "dovecot.conf");
  const mailboxes = join(folder, "mailboxes");
  await Deno.mkdir(mailboxes);
  await Deno.chown(mailboxes, MAIL_USER, MAIL_USER);
  await Deno.chmod(folder, 0o755);
  const passwords = options.users.map((user) => `${user}:${passwordOf(user)}\n`).join("");
  await Deno.writeTextFile(join(folder, "passwords"), passwords, { mode: 0o644 });
  await Deno.writeTextFile(config, configText(options, ports));
  const program = startProgram("dovecot", { args: ["-F", "-c", config] });
  const stop = async () => {
    await program.stop();
  };
  await whenListening(program, [pop3Port, authPort], stop);
  return {
    ...ports,
    put: (user: string, mails: readonly Uint8Array[]) => putMails(join(mailboxes, user), mails),
    delivered: (user) => mailsOfMaildir(join(mailboxes, user), TRACE),
    log: program.output,
    stop,
  };
}

/** Fields that Dovecot puts before a mail. */
const TRACE = /^(?:(?:Return-Path|Delivered-To|Received): .*\n(?:[ \t].*\n)*)+/;

/** The user that owns the mailboxes: nobody. */
const MAIL_USER = 65534;

function configText(
  { folder, certificate, relayPort }: DovecotOptions,
  ports: { readonly [Key in keyof Dovecot as Key extends `${string}Port` ? Key : never]: Dovecot[Key] },
): string {
  const listener = (name: string, port: number, more = "") =>
    `inet_listener ${name} {\n address = 127.0.0.1\n port = ${port}\n ${more}\n}`;
  return `
protocols = pop3 lmtp${relayPort === undefined ? "" : " submission"}
base_dir = ${join(folder, "run")}
state_dir = ${join(folder, "state")}
log_path = /dev/stderr
ssl = yes
ssl_cert = <${certificate.certFile}
ssl_key = <${certificate.keyFile}
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 apop scram-sha-256
first_valid_uid = 1
haproxy_trusted_networks = 127.0.0.1
mail_location = maildir:${join(folder, "mailboxes")}/%n
mail_fsync = never
service pop3-login {
 ${listener("pop3", ports.pop3Port)}
 ${listener("pop3s", ports.pop3sPort, "ssl = yes")}
 ${listener("balanced-pop3", ports.balancedPop3Port, "haproxy = yes")}
 ${listener("balanced-pop3s", ports.balancedPop3sPort, "haproxy = yes\n ssl = yes")}
}
${relayPort === undefined ? "" : `submission_relay_host = 127.0.0.1\nsubmission_relay_port = ${relayPort}`}
service submission-login {
 ${listener("submission", ports.submissionPort)}
 ${listener("submissions", ports.submissionsPort, "ssl = yes")}
}
service lmtp {
 ${listener("lmtp", ports.lmtpPort)}
 ${listener("lmtps", ports.lmtpsPort, "ssl = yes")}
}
service auth {
 ${listener("auth", ports.authPort)}
}
passdb {
 driver = passwd-file
 args = scheme=PLAIN username_format=%n ${join(folder, "passwords")}
}
userdb {
 driver = static
 args = uid=${MAIL_USER} gid=${MAIL_USER} home=${join(folder, "mailboxes")}/%n
}
`;
}

async function putMails(maildir: string, mails: readonly Uint8Array[]): Promise<void> {
  for (const path of [maildir, join(maildir, "new"), join(maildir, "cur"), join(maildir, "tmp")]) {
    await Deno.mkdir(path, { recursive: true });
    await Deno.chown(path, MAIL_USER, MAIL_USER);
  }
  for (const [index, mail] of mails.entries()) {
    const path = join(maildir, "new", `${1_700_000_000 + index}.M${index}P1.test`);
    await Deno.writeFile(path, mail);
    await Deno.chown(path, MAIL_USER, MAIL_USER);
  }
}
