import { Buffer } from "node:buffer";
import { join } from "@std/path";
import { decodeLatin1 } from "../../src/base/bytes.ts";
import type { TlsMode } from "../../src/net/types.ts";
import { DEBIAN_PYTHON } from "./debian_python.ts";
import { crlfFromLf } from "./line_ends.ts";
import { talkByOpenssl } from "./openssl_dialog.ts";
import { runOrFail } from "./program.ts";
import { filesIn } from "./stored_files.ts";

/** A mailbox on a server of this machine for a client to fetch. */
export interface Pop3Job {
  readonly port: number;
  /** "starttls" is STLS. */
  readonly tls: TlsMode;
  /** The certificate that the server shows. */
  readonly caFile: string;
  /** An empty folder for the client's own files. */
  readonly folder: string;
  readonly username: string;
  readonly password: string;
}

/** A program that fetches mails and leaves them on the server. */
export interface Pop3Client {
  readonly name: string;
  readonly binary: string;
  readonly modes: readonly TlsMode[];
  /** True where it parses the mails and writes them anew, so that their bytes can't be compared. */
  readonly writesAnew?: boolean;
  /** Fetches all mails; gives them as the client kept them, with CRLF line ends. Rejects where it doesn't succeed. */
  fetch(job: Pop3Job): Promise<Uint8Array[]>;
}

const ALL_MODES: readonly TlsMode[] = ["none", "starttls", "implicit"];
const HERE = import.meta.dirname ?? ".";

export const POP3_CLIENTS: readonly Pop3Client[] = [
  { name: "curl", binary: "curl", modes: ALL_MODES, fetch: fetchByCurl },
  { name: "fetchmail", binary: "fetchmail", modes: ALL_MODES, fetch: fetchByFetchmail },
  { name: "mpop", binary: "mpop", modes: ALL_MODES, fetch: fetchByMpop },
  { name: "getmail6", binary: "getmail", modes: ["none", "implicit"], writesAnew: true, fetch: fetchByGetmail },
  {
    name: "Python's poplib",
    binary: DEBIAN_PYTHON,
    modes: ALL_MODES,
    fetch: (job) => fetchByScript(DEBIAN_PYTHON, "fetch.py", job),
  },
  {
    name: "Perl's Net::POP3",
    binary: "perl",
    modes: ALL_MODES,
    fetch: (job) => fetchByScript("perl", "fetch.pl", job),
  },
  { name: "mutt", binary: "mutt", modes: ALL_MODES, fetch: fetchByMutt },
  { name: "openssl s_client", binary: "openssl", modes: ["starttls", "implicit"], fetch: fetchByOpenssl },
];

/** node-pop3, under Deno. It knows no STLS, leaves doubled dots and takes a mail for UTF-8. */
export const NODE_POP3: Pop3Client = {
  name: "node-pop3",
  binary: Deno.execPath(),
  modes: ["none", "implicit"],
  writesAnew: true,
  fetch: (job) => fetchByScript(Deno.execPath(), "fetch.js", job),
};

async function fetchByCurl(job: Pop3Job): Promise<Uint8Array[]> {
  const server = `${job.tls === "implicit" ? "pop3s" : "pop3"}://localhost:${job.port}/`;
  const options = [
    ...["--silent", "--show-error", "--cacert", job.caFile, "--user", `${job.username}:${job.password}`],
    ...(job.tls === "starttls" ? ["--ssl-reqd"] : []),
  ];
  const { stdout } = await runOrFail("curl", { args: [...options, server] });
  const numbers = decodeLatin1(stdout).split("\n").map((line) => line.split(" ")[0] ?? "").filter((n) => n !== "");
  await runOrFail("curl", {
    args: [...options, ...numbers.flatMap((number) => [`${server}${number}`, "--output", number])],
    cwd: job.folder,
  });
  return await Promise.all(numbers.map((number) => Deno.readFile(join(job.folder, number))));
}

async function fetchByFetchmail(job: Pop3Job): Promise<Uint8Array[]> {
  const tls = {
    none: "sslproto ''",
    starttls: `sslproto 'TLS1.2+' sslcertfile '${job.caFile}' sslcertck`,
    implicit: `ssl sslcertfile '${job.caFile}' sslcertck`,
  }[job.tls];
  const config = [
    "set invisible",
    `set pidfile "${job.folder}/pid"`, // else root's fetchmails exclude each other
    `poll localhost protocol pop3 port ${job.port}`,
    `user '${job.username}' password '${job.password}' keep fetchall no rewrite ${tls}`,
    `mda '/bin/sh -c "cat > ${job.folder}/mails/$$"'`,
    "",
  ].join("\n");
  await writeConfig(job, "fetchmailrc", config);
  await Deno.mkdir(join(job.folder, "mails"));
  await runOrFail("fetchmail", {
    args: ["--fetchmailrc", join(job.folder, "fetchmailrc"), "--nosyslog", "--nodetach"],
    env: { HOME: job.folder, FETCHMAILHOME: job.folder },
  });
  return await mailsIn(join(job.folder, "mails"));
}

async function fetchByMpop(job: Pop3Job): Promise<Uint8Array[]> {
  const maildir = await makeMaildir(job);
  const config = [
    ...["account default", "host localhost", `port ${job.port}`, `user ${job.username}`, `password ${job.password}`],
    ...["auth user", "keep on", "only_new off", "received_header off", `delivery maildir ${maildir}`],
    ...[`uidls_file ${join(job.folder, "uidls")}`, `tls ${job.tls === "none" ? "off" : "on"}`],
    ...(job.tls === "none" ? [] : [`tls_starttls ${job.tls === "starttls" ? "on" : "off"}`]),
    ...(job.tls === "none" ? [] : [`tls_trust_file ${job.caFile}`]),
    "",
  ].join("\n");
  await writeConfig(job, "mpoprc", config);
  await runOrFail("mpop", { args: [`--file=${join(job.folder, "mpoprc")}`, "--quiet"] });
  return await mailsIn(join(maildir, "new"));
}

/** getmail6 misses the end of a program that comes before it waits for one, and then hangs for a minute. */
const UNTIL_GETMAIL_WAITS = "until grep -q ^State:.S /proc/$PPID/status; do sleep 0.01; done";

async function fetchByGetmail(job: Pop3Job): Promise<Uint8Array[]> {
  await Deno.mkdir(join(job.folder, "mails"));
  const config = [
    "[retriever]",
    `type = ${job.tls === "implicit" ? "SimplePOP3SSLRetriever" : "SimplePOP3Retriever"}`,
    ...["server = localhost", `port = ${job.port}`, `username = ${job.username}`, `password = ${job.password}`],
    ...(job.tls === "implicit" ? [`ca_certs = ${job.caFile}`] : []),
    ...["[destination]", "type = MDA_external", "path = /bin/sh", "allow_root_commands = true"],
    `arguments = ("-c", "cat > ${job.folder}/mails/$$; ${UNTIL_GETMAIL_WAITS}")`,
    ...["[options]", "delete = false", "read_all = true"],
    ...["delivered_to = false", "received = false", "verbose = 0", ""],
  ].join("\n");
  await writeConfig(job, "getmailrc", config);
  await runOrFail("getmail", { args: ["--getmaildir", job.folder, "--rcfile", "getmailrc"] });
  return await mailsIn(join(job.folder, "mails"));
}

/** mutt reads mail only on a terminal: it gets one, and the keys it is to take as pressed. */
async function fetchByMutt(job: Pop3Job): Promise<Uint8Array[]> {
  const maildir = await makeMaildir(job);
  const config = [
    `set folder="${job.folder}" message_cachedir="${job.folder}/cache"`, // without a cache it fetches mails twice
    `set pop_pass="${job.password}" certificate_file="${job.caFile}"`,
    `set ssl_starttls=${job.tls === "starttls" ? "yes" : "no"} ssl_force_tls=${job.tls === "none" ? "no" : "yes"}`,
    "set mbox_type=Maildir confirmappend=no",
    `push "<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>${maildir}<enter><exit>"`,
    "",
  ].join("\n");
  await writeConfig(job, "muttrc", config);
  const scheme = job.tls === "implicit" ? "pops" : "pop";
  await runOrFail(DEBIAN_PYTHON, {
    args: [
      ...["-c", ON_A_TERMINAL, "mutt", "-n", "-R", "-F", join(job.folder, "muttrc")],
      ...["-f", `${scheme}://${job.username}@localhost:${job.port}`],
    ],
    env: { HOME: job.folder, TERM: "vt100" },
  });
  return (await filesIn(join(maildir, "new"))).map((stored) => crlfFromLf(withoutCounts(stored)));
}

/** Without the two fields that mutt adds at the end of a header. */
function withoutCounts(stored: Uint8Array): Uint8Array {
  const text = Buffer.from(stored).toString("latin1");
  return Buffer.from(text.replace(/^Content-Length: \d+\nLines: \d+\n(?=\n)/m, ""), "latin1");
}

const ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

async function fetchByOpenssl(job: Pop3Job): Promise<Uint8Array[]> {
  if (job.tls === "none") throw new Error("openssl s_client has no clear text.");
  return await talkByOpenssl({ ...job, tls: job.tls, protocol: "pop3" }, async (say) => {
    if (job.tls === "implicit") await say("", OK_LINE);
    await say(`USER ${job.username}\r\n`, OK_LINE);
    await say(`PASS ${job.password}\r\n`, OK_LINE);
    const [, count = "0"] = /^\+OK (\d+)/.exec(await say("STAT\r\n", OK_LINE)) ?? [];
    const mails: Uint8Array[] = [];
    for (let number = 1; number <= Number(count); number++) {
      const reply = await say(`RETR ${number}\r\n`, OK_BLOCK);
      const content = reply.replace(/^.*\r\n/, "").replace(/\.\r\n$/, "").replaceAll(/^\.\./gm, ".");
      mails.push(Buffer.from(content, "latin1"));
    }
    await say("QUIT\r\n", OK_LINE);
    return mails;
  });
}

const OK_LINE = /^\+OK.*\r\n/;
const OK_BLOCK = /^\+OK.*\r\n(?:\.|[^]*?\r\n\.)\r\n/;

/** Runs one of the scripts beside this file; it leaves each mail as a file, exactly as it came. */
async function fetchByScript(interpreter: string, script: string, job: Pop3Job): Promise<Uint8Array[]> {
  await runOrFail(interpreter, {
    args: [
      ...(interpreter === Deno.execPath() ? ["run", "-A", "--no-check"] : []),
      ...[join(HERE, script), String(job.port), job.tls, job.caFile, job.username, job.password, job.folder],
    ],
  });
  return await filesIn(job.folder);
}

async function writeConfig(job: Pop3Job, name: string, text: string): Promise<void> {
  await Deno.writeTextFile(join(job.folder, name), text, { mode: 0o600 });
}

async function makeMaildir(job: Pop3Job): Promise<string> {
  const maildir = join(job.folder, "mails");
  for (const name of ["new", "cur", "tmp"]) await Deno.mkdir(join(maildir, name), { recursive: true });
  return maildir;
}

async function mailsIn(folder: string): Promise<Uint8Array[]> {
  return (await filesIn(folder)).map(crlfFromLf);
}
