import { join } from "@std/path";
import { freePorts } from "./program.ts";
import { maildirServer, type SmtpServer, type SmtpServerOptions } from "./smtp_server.ts";
import { startUnpacked } from "./unpacked.ts";

/** Where its program is, below the root. */
export const EXIM_PROGRAM = "usr/sbin/exim4";

/** The one field that Exim puts before a mail here. */
const TRACE = /^Received: .*\n(?:[ \t].*\n)*/;

/** Starts Exim in the foreground, with AUTH PLAIN and LOGIN. Needs root. */
export async function startExim(options: SmtpServerOptions): Promise<SmtpServer> {
  const { folder } = options;
  const [smtpPort = 0, smtpsPort = 0] = freePorts(2);
  const mailboxes = join(folder, "mailboxes");
  for (const path of [mailboxes, join(folder, "spool")]) {
    await Deno.mkdir(path);
    await Deno.chmod(path, 0o777);
  }
  const { cert, key } = options.certificate;
  await Deno.writeTextFile(join(folder, "certificate.pem"), cert + key, { mode: 0o644 }); // Exim isn't root any more
  const config = configText(options, { smtpPort, smtpsPort, mailboxes });
  const program = await startUnpacked([`/${EXIM_PROGRAM}`, "-bdf", "-v"], {
    folder,
    etc: { "exim4/exim4.conf": config },
  });
  return await maildirServer(program, { smtpPort, smtpsPort }, mailboxes, TRACE);
}

function configText(
  { folder, users }: SmtpServerOptions,
  { smtpPort, smtpsPort, mailboxes }: {
    readonly smtpPort: number;
    readonly smtpsPort: number;
    readonly mailboxes: string;
  },
): string {
  return `
keep_environment =
primary_hostname = exim.company.example
spool_directory = ${folder}/spool
log_file_path = ${folder}/spool/%slog
pid_file_path = ${folder}/spool/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${smtpPort} : ${smtpsPort}
tls_on_connect_ports = ${smtpsPort}
tls_advertise_hosts = *
tls_certificate = ${folder}/certificate.pem
tls_privatekey = ${folder}/certificate.pem
disable_ipv6
host_lookup =
rfc1413_hosts =
pipelining_connect_advertise_hosts =
acl_smtp_rcpt = check_recipient
acl_smtp_data = accept
smtp_accept_max = 100

begin acl
check_recipient:
  accept domains = company.example
         local_parts = ${users.join(" : ")}
  deny message = no such user

begin routers
users:
  driver = accept
  domains = company.example
  local_parts = ${users.join(" : ")}
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = ${mailboxes}/$local_part_data
  maildir_format
  user = nobody
  group = nogroup
  message_prefix =
  message_suffix =

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if eq{$auth3}{secret-of-$auth2}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = \${if eq{$auth2}{secret-of-$auth1}}
  server_set_id = $auth1
`;
}
