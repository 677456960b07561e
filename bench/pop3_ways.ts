/** What benches put between a POP3 client and Dovecot, each started on a free port. */

import { join } from "@std/path";
import { findProgram } from "../tests/peers/peer.ts";
import { freePorts } from "../tests/peers/program.ts";
import { direct, type Relay, startHaproxy, startListening } from "./relay_kind.ts";
import { startMailtee, yaml } from "./start_mailtee.ts";
import { ownFolder } from "./work_folder.ts";

export interface Pop3Way extends Relay {
  readonly name: string;
}

interface WayKind {
  readonly name: string;
  /** The program that it needs, which bears the name of its Debian package; null where it needs none. */
  readonly needs: string | null;
  readonly start: (targetPort: number, folder: string) => Promise<Relay>;
}

const KINDS: readonly WayKind[] = [
  {
    name: "direct",
    needs: null,
    start: direct,
  },
  { name: "haproxy (TCP)", needs: "haproxy", start: startHaproxy },
  { name: "Dovecot as proxy", needs: "dovecot", start: startDovecotProxy },
  { name: "perdition", needs: "perdition", start: startPerdition },
  { name: "mailtee", needs: null, start: (target, folder) => startMailteeProxy(target, folder, "always") },
  {
    name: 'mailtee, nothing new (`recapture: "never"`)',
    needs: null,
    start: (target, folder) => startMailteeProxy(target, folder, "never"),
  },
];

/** Starts all that can run, each with its files in `folder`; one that can't is named on stderr. */
export async function startWays(targetPort: number, folder: string): Promise<Pop3Way[]> {
  const ways: Pop3Way[] = [];
  for (const { name, needs, start } of KINDS) {
    if (needs !== null && findProgram(needs) === undefined) {
      console.error(`${name}: left out, since ${needs} isn't installed`);
      continue;
    }
    ways.push({ name, ...await start(targetPort, await ownFolder(folder)) });
  }
  return ways;
}

/** Logs every user in at the target, with the password that it was given. */
async function startDovecotProxy(target: number, folder: string): Promise<Relay> {
  const [port = 0] = freePorts(1);
  const config = join(folder, "dovecot.conf");
  await Deno.writeTextFile(
    config,
    `
protocols = pop3
base_dir = ${join(folder, "run")}
state_dir = ${join(folder, "state")}
log_path = ${join(folder, "log")}
ssl = no
disable_plaintext_auth = no
service pop3-login {
  inet_listener pop3 {
    address = 127.0.0.1
    port = ${port}
  }
}
passdb {
  driver = static
  args = proxy=y host=127.0.0.1 port=${target} nopassword=y
}
`,
  );
  return await startListening("dovecot", ["-F", "-c", config], port);
}

async function startPerdition(target: number, folder: string): Promise<Relay> {
  const [port = 0] = freePorts(1);
  const args = ["--no_daemon", "--protocol", "POP3", "--ssl_mode", "none", "--no_lookup", "--pid_file", ""];
  const addresses = ["--bind_address", "127.0.0.1", "--listen_port", String(port)];
  const targets = ["--outgoing_server", "127.0.0.1", "--outgoing_port", String(target)];
  const log = ["--log_facility", join(folder, "log"), "--config_file", "/dev/null"];
  return await startListening("perdition", [...args, ...addresses, ...targets, ...log], port);
}

async function startMailteeProxy(target: number, folder: string, recapture: "always" | "never"): Promise<Relay> {
  const [port = 0] = freePorts(1);
  const proxy = {
    kind: "pop3",
    listen: [{ address: "127.0.0.1", port, tls: "none" }],
    target: { host: "127.0.0.1", port: target },
    recapture,
  };
  const config = join(folder, "proxy.config.yaml");
  const dropFolder = join(folder, "drop");
  await Deno.writeTextFile(config, yaml({ dropFolder, log: { level: "warning" }, proxies: [proxy] }));
  return { dropFolder, ...await startMailtee(["run", config], port, join(folder, "log")) };
}
