/** The programs that benches put between an SMTP client and smtp-sink, each started on a free port. */

import { fromFileUrl, join } from "@std/path";
import { findProgram } from "../tests/peers/peer.ts";
import { freePorts, isListening, runOrFail, until } from "../tests/peers/program.ts";
import { haraka } from "./haraka.ts";
import { descendants } from "./process_use.ts";
import { direct, type Relay, type RelayKind, startHaproxy, startListening } from "./relay_kind.ts";
import { startMailtee, yaml } from "./start_mailtee.ts";
import { ownFolder } from "./work_folder.ts";

const haproxy: RelayKind = {
  name: "haproxy (TCP)",
  missing: () => findProgram("haproxy") === undefined ? "haproxy" : null,
  start: startHaproxy,
};

const nginx: RelayKind = {
  name: "nginx stream",
  missing: () => findProgram("nginx") === undefined ? "nginx-light libnginx-mod-stream" : null,
  start: async (sinkPort, folder) => {
    const [port = 0] = freePorts(1);
    const config = join(folder, "nginx.conf");
    await Deno.writeTextFile(
      config,
      `include /etc/nginx/modules-enabled/*.conf;\ndaemon off;\nuser root;\nworker_processes 1;\n` +
        `pid ${folder}/nginx.pid;\nerror_log ${folder}/nginx.log;\nevents { worker_connections 16000; }\n` +
        `stream { server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${sinkPort}; } }\n`,
    );
    return await startListening("nginx", ["-c", config], port);
  },
};

function postfix(name: string, queues: boolean): RelayKind {
  return {
    name,
    missing: () => findProgram("postfix") === undefined ? "postfix" : null,
    start: async (sinkPort, folder) => {
      const [port = 0] = freePorts(1);
      const etc = join(folder, "postfix");
      const spool = join(folder, "postfix-spool");
      const data = join(folder, "postfix-data");
      for (const path of [etc, spool, data]) await Deno.mkdir(path, { recursive: true });
      await runOrFail("chown", { args: ["postfix", data] });
      await Deno.chmod(folder, 0o755);
      await Deno.writeTextFile(join(etc, "main.cf"), postfixMain(spool, data, sinkPort, queues));
      await Deno.writeTextFile(join(etc, "master.cf"), postfixMaster(port, sinkPort, queues));
      await runOrFail("postfix", { args: ["-c", etc, "start"] });
      await untilListening(port);
      return {
        port,
        pids: async () => await descendants(Number(await Deno.readTextFile(join(spool, "pid/master.pid")))),
        stop: () => runOrFail("postfix", { args: ["-c", etc, "abort"] }),
        ...(queues ? { delivered: () => untilQueueIsEmpty(spool) } : {}),
      };
    },
  };
}

function postfixMain(spool: string, data: string, sinkPort: number, queues: boolean): string {
  return `compatibility_level = 3.6
queue_directory = ${spool}
data_directory = ${data}
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${join(data, "log")}
maillog_file_prefixes = ${data}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = relay.example
mydestination =
mynetworks = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_peername_lookup = no
message_size_limit = 1100000000
default_process_limit = 300
smtp_host_lookup = native
${queues ? `relayhost = [127.0.0.1]:${sinkPort}\nsmtp_destination_concurrency_limit = 50\n` : ""}`;
}

function postfixMaster(port: number, sinkPort: number, queues: boolean): string {
  const filter = queues ? "" : `\n  -o smtpd_proxy_filter=127.0.0.1:${sinkPort}`;
  return `127.0.0.1:${port} inet n - n - 300 smtpd${filter}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
smtp unix - - n - 100 smtp
relay unix - - n - 100 smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`;
}

async function untilQueueIsEmpty(spool: string): Promise<void> {
  const queues = ["incoming", "active", "deferred"].map((name) => join(spool, name));
  await until(() => queues.every((path) => !holdsFiles(path)), () => `Postfix didn't empty ${spool}`);
}

function holdsFiles(folder: string): boolean {
  for (const entry of Deno.readDirSync(folder)) {
    if (entry.isFile || holdsFiles(join(folder, entry.name))) return true;
  }
  return false;
}

/** @param log where its log goes, at which level */
function mailtee(name: string, log: "warning" | "info"): RelayKind {
  return {
    name,
    missing: () => null,
    start: async (sinkPort, folder) => {
      const [port = 0] = freePorts(1);
      const config = join(folder, "proxy.config.yaml");
      const dropFolder = join(folder, "drop");
      await Deno.writeTextFile(
        config,
        yaml({
          dropFolder,
          log: { level: log },
          proxies: [{
            kind: "smtp",
            listen: [{ address: "127.0.0.1", port, tls: "none" }],
            target: { host: "127.0.0.1", port: sinkPort },
            limits: { connections: 20_000, connectionsPerAddress: 20_000 },
          }],
        }),
      );
      return { dropFolder, ...await startMailtee(["run", config], port, join(folder, "log")) };
    },
  };
}

/** The same proxy with a writer that keeps nothing: what the session alone costs. */
const withoutCopy: RelayKind = {
  name: "mailtee without copy",
  missing: () => null,
  start: async (sinkPort) => {
    const [port = 0] = freePorts(1);
    const script = fromFileUrl(new URL("./proxy_without_copy.ts", import.meta.url));
    const args = ["run", "-A", "--no-check", script, String(port), String(sinkPort)];
    return await startListening(Deno.execPath(), args, port);
  },
};

/** The program as it is set up by default. */
export const MAILTEE = mailtee("mailtee", "warning");

/** Every kind, in the order of the table's rows. */
export const RELAYS: readonly RelayKind[] = [
  { name: "direct", missing: () => null, start: direct },
  haproxy,
  nginx,
  postfix("Postfix, before-queue filter", false),
  postfix("Postfix, queue", true),
  haraka,
  withoutCopy,
  MAILTEE,
  mailtee("mailtee, logging every mail", "info"),
];

async function untilListening(port: number): Promise<void> {
  await until(() => isListening(port), () => `nothing listens on port ${port}`);
}

/** The kinds whose names begin with one of the words, and `direct`; a kind that can't run is named on stderr. */
export function chosenRelays(words: readonly string[]): readonly RelayKind[] {
  return RELAYS.filter((kind) => {
    if (words.length > 0 && !["direct", ...words].some((word) => kind.name.startsWith(word))) return false;
    const missing = kind.missing();
    if (missing !== null) console.error(`${kind.name}: left out, since ${missing} isn't installed`);
    return missing === null;
  });
}

/** Starts smtp-sink, which takes every mail and keeps none. */
export async function startSink(): Promise<Relay> {
  const [port = 0] = freePorts(1);
  // It doesn't serve as root.
  const asNobody = Deno.uid() === 0 ? ["-u", "nobody"] : [];
  return await startListening("smtp-sink", [...asNobody, "-m", "20000", `127.0.0.1:${port}`, "4096"], port);
}

/** Starts all of them before one sink, each with its files in `folder`; runs `work`, and stops them. */
export async function withRelays(
  kinds: readonly RelayKind[],
  folder: string,
  work: (relays: ReadonlyMap<RelayKind, Relay>) => Promise<void>,
): Promise<void> {
  const sink = await startSink();
  const relays = new Map<RelayKind, Relay>();
  try {
    for (const kind of kinds) {
      relays.set(kind, await kind.start(sink.port, await ownFolder(folder)));
    }
    await work(relays);
  } finally {
    for (const relay of relays.values()) await relay.stop();
    await sink.stop();
  }
}
