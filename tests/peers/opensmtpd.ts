import { join } from "@std/path";
import { freePorts, isListening } from "./program.ts";
import { mailsOfMaildir, type SmtpServer, type SmtpServerOptions } from "./smtp_server.ts";
import { startUnpacked } from "./unpacked.ts";

/** Where its program is, below the root. */
export const OPENSMTPD_PROGRAM = "usr/sbin/smtpd";

const NOBODY = 65534;
/** Fields that OpenSMTPD puts before a mail here. */
const TRACE = /^(?:(?:Return-Path|Delivered-To|Received): .*\n(?:[ \t].*\n)*)+/;

/**
 * Starts OpenSMTPD in the foreground, without TLS and so without AUTH: what Debian 12 has of it (6.8 with OpenSSL 3) breaks
 * off every handshake, since the process that signs isn't asked for it. Needs root.
 */
export async function startOpenSmtpd(options: SmtpServerOptions): Promise<SmtpServer> {
  const { folder, users } = options;
  const [smtpPort = 0] = freePorts(1);
  const mailboxes = join(folder, "mailboxes");
  await Deno.mkdir(mailboxes);
  await Deno.chown(mailboxes, NOBODY, NOBODY);
  const program = await startUnpacked([`/${OPENSMTPD_PROGRAM}`, "-dv", "-f", "/etc/smtpd.conf"], {
    folder,
    etc: {
      "smtpd.conf": configText(smtpPort, mailboxes),
      "smtpd-users": users.map((user) => `${user} ${NOBODY}:${NOBODY}:${mailboxes}\n`).join(""),
      mailname: "opensmtpd.company.example\n",
    },
  });
  const stop = async () => {
    await program.stop("SIGKILL");
  };
  try {
    await program.waitFor(() => isListening(smtpPort));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    smtpPort,
    smtpsPort: null,
    delivered: (user) => mailsOfMaildir(join(mailboxes, user), TRACE),
    log: program.output,
    stop,
  };
}

function configText(smtpPort: number, mailboxes: string): string {
  return `
table users file:/etc/smtpd-users
listen on 127.0.0.1 port ${smtpPort}
action "keep" maildir "${mailboxes}/%{dest.user:lowercase}" userbase <users>
match from any for domain "company.example" action "keep"
`;
}
