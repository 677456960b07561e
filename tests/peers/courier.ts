import { join } from "@std/path";
import type { TestCertificate } from "./certificate.ts";
import { cryptHashes } from "./crypt_hashes.ts";
import { lfFromCrlf } from "./line_ends.ts";
import { whenListening } from "./listening.ts";
import { freePorts } from "./program.ts";
import { startUnpacked } from "./unpacked.ts";

/** Where its programs are, below the root. */
export const COURIER_PROGRAM = "usr/lib/courier/courier/courierpop3d";

/** A Courier POP3 server of its own, for users whose password is that of `passwordOf`. */
export interface Courier {
  /** Offers STLS. */
  readonly pop3Port: number;
  /** Implicit TLS. */
  readonly pop3sPort: number;
  log(): string;
  stop(): Promise<void>;
}

const NOBODY = 65534;

/** Starts Courier with these mails in the mailbox of each user. Needs root. */
export async function startCourier(
  { folder, certificate, users, mails }: {
    /** An empty folder that other users can enter. */
    readonly folder: string;
    readonly certificate: TestCertificate;
    readonly users: readonly string[];
    /** With CRLF line ends, and none but these. */
    readonly mails: readonly Uint8Array[];
  },
): Promise<Courier> {
  const [pop3Port = 0, pop3sPort = 0] = freePorts(2);
  for (const user of users) await fillMaildir(join(folder, user), mails);
  const program = await startUnpacked(["/bin/sh", "/etc/courier/start"], {
    folder,
    etc: {
      "courier/userdb": (await cryptHashes(users)).map(([user, hash]) => account(user, hash, folder)).join(""),
      "courier/authdaemonrc":
        'authmodulelist="authuserdb"\ndaemons=2\nauthdaemonvar=/run/courier/authdaemon\nDEFAULTOPTIONS=""\n',
      "courier/certificate.pem": certificate.cert + certificate.key,
      "courier/start": startScript(pop3Port, pop3sPort),
    },
  });
  const stop = async () => {
    await program.stop("SIGKILL");
  };
  await whenListening(program, [pop3Port, pop3sPort], stop);
  return { pop3Port, pop3sPort, log: program.output, stop };
}

/** What the start scripts of Debian's packages do, without their log daemon. */
function startScript(pop3Port: number, pop3sPort: number): string {
  const listen = "couriertcpd -address=127.0.0.1 -maxprocs=40 -maxperip=40 -nodnslookup -noidentlookup";
  const serve = "/usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d Maildir";
  return `
set -eu
mkdir -p /run/courier/authdaemon
chmod 755 /etc/courier
chmod 644 /etc/courier/authdaemonrc
chown courier: /run/courier /run/courier/authdaemon /etc/courier/certificate.pem
makeuserdb
set -a
. /etc/courier/authdaemonrc
TLS_CERTFILE=/etc/courier/certificate.pem TLS_VERIFYPEER=NONE COURIERTLS=/usr/bin/couriertls
POP3AUTH='' POP3AUTH_TLS='PLAIN LOGIN' POP3_TLS_REQUIRED=0 POP3_STARTTLS=YES
/usr/lib/courier/courier-authlib/authdaemond &
${listen} ${pop3Port} ${serve} &
POP3_TLS=1 POP3_STARTTLS=NO
${listen} ${pop3sPort} /usr/bin/couriertls -server -tcpd -user=courier ${serve}
`;
}

function account(user: string, hash: string, folder: string): string {
  return `${user}\tuid=${NOBODY}|gid=${NOBODY}|home=${join(folder, user)}|systempw=${hash}\n`;
}

async function fillMaildir(home: string, mails: readonly Uint8Array[]): Promise<void> {
  const maildir = join(home, "Maildir");
  for (const path of [home, maildir, join(maildir, "cur"), join(maildir, "tmp"), join(maildir, "new")]) {
    await Deno.mkdir(path);
    await Deno.chown(path, NOBODY, NOBODY);
  }
  for (const [index, mail] of mails.entries()) {
    const path = join(maildir, "new", `${1_700_000_000 + index}.M${index}P1.test`);
    await Deno.writeFile(path, lfFromCrlf(mail));
    await Deno.chown(path, NOBODY, NOBODY);
  }
}
