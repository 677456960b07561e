/** Haraka, which takes a mail whole and hands it on by its plugin queue/smtp_forward before it answers the client. */

import { join } from "@std/path";
import { findProgram } from "../tests/peers/peer.ts";
import { freePorts } from "../tests/peers/program.ts";
import { type RelayKind, startListening } from "./relay_kind.ts";

/** Where install_peers.sh puts what comes from npm: $MAILTEE_BENCH_PEERS, else a folder of the user's cache. */
function peersFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/", ".cache");
  return join(Deno.env.get("MAILTEE_BENCH_PEERS") ?? join(cache, "mailtee-bench"), "node_modules");
}

const program = () => join(peersFolder(), ".bin/haraka");

/** The version of the one that is installed; undefined where none is. */
export function harakaVersion(): string | undefined {
  const manifest = join(peersFolder(), "Haraka/package.json");
  return findProgram(manifest) === undefined ? undefined : JSON.parse(Deno.readTextFileSync(manifest)).version;
}

export const haraka: RelayKind = {
  name: "Haraka, smtp_forward",
  missing: () => findProgram("node") !== undefined && findProgram(program()) !== undefined ? null : "Haraka (npm)",
  start: async (sinkPort, folder) => {
    const [port = 0] = freePorts(1);
    const config = join(folder, "config");
    await Deno.mkdir(config);
    for (const [name, text] of Object.entries(configFiles(port, sinkPort))) {
      await Deno.writeTextFile(join(config, name), text);
    }
    return await startListening("node", [program(), "-c", folder], port);
  },
};

/** A file that is there takes the place of Haraka's own, with all that is in it. */
function configFiles(port: number, sinkPort: number): Readonly<Record<string, string>> {
  return {
    "smtp.ini": `listen=127.0.0.1:${port}\nnodes=0\n`,
    "plugins": "rcpt_to.in_host_list\nqueue/smtp_forward\n",
    "host_list": "company.example\n",
    "smtp_forward.ini": `host=127.0.0.1\nport=${sinkPort}\n`,
    "loglevel": "WARN\n",
    "plugin_timeout": "300\n",
    "connection.ini": "[headers]\nmax_lines=1000\nmax_received=100\n" +
      "[max]\nbytes=1100000000\nmime_parts=1000\nline_length=512\ndata_line_length=992\n" +
      "[message]\nhelo=Haraka\nclose=closing connection\n[uuid]\nbanner_chars=6\ndeny_chars=0\n",
  };
}
