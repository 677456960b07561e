import { join } from "@std/path";
import { cryptHashes } from "./crypt_hashes.ts";
import { freePorts } from "./program.ts";
import { maildirServer, type SmtpServer, type SmtpServerOptions } from "./smtp_server.ts";
import { startUnpacked } from "./unpacked.ts";

/** Where its program is, below the root. */
export const OPENSMTPD_PROGRAM = "usr/sbin/smtpd";

const NOBODY = 65534;
/** Fields that OpenSMTPD puts before a mail here. */
const TRACE = /^(?:(?:Return-Path|Delivered-To|Received): .*\n(?:[ \t].*\n)*)+/;

/** Starts OpenSMTPD in the foreground; it takes logins under TLS alone. Needs root. */
export async function startOpenSmtpd(options: SmtpServerOptions): Promise<SmtpServer> {
  const { folder, users, certificate } = options;
  const [smtpPort = 0, smtpsPort = 0] = freePorts(2);
  const mailboxes = join(folder, "mailboxes");
  await Deno.mkdir(mailboxes);
  await Deno.chown(mailboxes, NOBODY, NOBODY);
  const logins = await cryptHashes(users);
  const program = await startUnpacked([`/${OPENSMTPD_PROGRAM}`, "-dv", "-f", "/etc/smtpd.conf"], {
    folder,
    etc: {
      "smtpd.conf": configText(smtpPort, smtpsPort, mailboxes),
      "smtpd-users": users.map((user) => `${user} ${NOBODY}:${NOBODY}:${mailboxes}\n`).join(""),
      "smtpd-logins": logins.map(([user, hash]) => `${user} ${hash}\n`).join(""),
      "smtpd-certificate.pem": certificate.cert,
      "smtpd-key.pem": certificate.key,
      mailname: "opensmtpd.company.example\n",
    },
  });
  return await maildirServer(program, { smtpPort, smtpsPort }, mailboxes, TRACE);
}

function configText(smtpPort: number, smtpsPort: number, mailboxes: string): string {
  return `
pki own cert "/etc/smtpd-certificate.pem"
pki own key "/etc/smtpd-key.pem"
table users file:/etc/smtpd-users
table logins file:/etc/smtpd-logins
listen on 127.0.0.1 port ${smtpPort} tls pki own auth-optional <logins>
listen on 127.0.0.1 port ${smtpsPort} smtps pki own auth-optional <logins>
action "keep" maildir "${mailboxes}/%{dest.user:lowercase}" userbase <users>
match auth from any for domain "company.example" action "keep"
match from any for domain "company.example" action "keep"
`;
}
