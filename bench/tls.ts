/**
 * Full TLS handshakes a second (`openssl s_time -new`), each with a connection to the target behind it.
 *
 *     deno task bench tls [--rounds 5] [--seconds 2]
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { makeCertificate } from "../tests/peers/certificate.ts";
import { findProgram } from "../tests/peers/peer.ts";
import { freePorts, isListening, runOrFail, startProgram } from "../tests/peers/program.ts";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { startSink } from "./relay_peers.ts";
import { startMailtee, yaml } from "./start_mailtee.ts";

const args = parseArgs(Deno.args, { string: ["rounds", "seconds"], default: { rounds: "5", seconds: "2" } });
const rounds = Number(args["rounds"]);

interface Server {
  readonly name: string;
  readonly port: number;
  readonly stop: () => Promise<unknown>;
}

const folder = await Deno.makeTempDir({ prefix: "mailtee-bench-" });
const sink = await startSink();
const servers: Server[] = [];
try {
  const { certFile, keyFile } = await makeCertificate(folder);
  if (findProgram("nginx") === undefined) console.error("nginx: left out, since nginx-light isn't installed");
  else servers.push(await nginx(certFile, keyFile));
  if (findProgram("haproxy") === undefined) console.error("haproxy: left out, since haproxy isn't installed");
  else servers.push(await haproxy(certFile, keyFile));
  servers.push(await mailtee(certFile, keyFile));
  await compare();
} finally {
  for (const server of servers) await server.stop();
  await sink.stop();
  await Deno.remove(folder, { recursive: true });
}

async function nginx(certFile: string, keyFile: string): Promise<Server> {
  const [port = 0] = freePorts(1);
  const config = join(folder, "nginx.conf");
  await Deno.writeTextFile(
    config,
    `include /etc/nginx/modules-enabled/*.conf;\ndaemon off;\nworker_processes 1;\npid ${folder}/nginx.pid;\n` +
      `error_log ${folder}/nginx.log;\nevents { worker_connections 4096; }\nstream { server {\n` +
      `listen 127.0.0.1:${port} ssl; proxy_pass 127.0.0.1:${sink.port};\n` +
      `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile}; } }\n`,
  );
  return await started("nginx stream", "nginx", ["-c", config], port);
}

async function haproxy(certFile: string, keyFile: string): Promise<Server> {
  const [port = 0] = freePorts(1);
  const config = join(folder, "haproxy.cfg");
  const both = join(folder, "both.pem");
  await Deno.writeTextFile(both, await Deno.readTextFile(certFile) + await Deno.readTextFile(keyFile));
  await Deno.writeTextFile(
    config,
    `global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n` +
      `listen smtp\n  bind 127.0.0.1:${port} ssl crt ${both}\n  server sink 127.0.0.1:${sink.port}\n`,
  );
  return await started("haproxy", "haproxy", ["-db", "-f", config], port);
}

async function mailtee(certFile: string, keyFile: string): Promise<Server> {
  const [port = 0] = freePorts(1);
  const config = join(folder, "proxy.config.yaml");
  const proxy = {
    kind: "smtp",
    listen: [{ address: "127.0.0.1", port, tls: "implicit", certificate: { certFile, keyFile } }],
    target: { host: "127.0.0.1", port: sink.port },
    limits: { connections: 20_000, connectionsPerAddress: 20_000 },
  };
  const level = "error";
  await Deno.writeTextFile(config, yaml({ dropFolder: join(folder, "drop"), log: { level }, proxies: [proxy] }));
  return { name: "mailtee", ...await startMailtee(["run", config], port, join(folder, "log")) };
}

async function started(name: string, binary: string, args: readonly string[], port: number): Promise<Server> {
  const program = startProgram(binary, { args });
  await program.waitFor(() => isListening(port));
  return { name, port, stop: () => program.stop() };
}

async function compare(): Promise<void> {
  const rates = new Map<Server, number[]>(servers.map((server) => [server, []]));
  for (let round = -1; round < rounds; round++) {
    for (const server of servers) {
      const rate = await handshakesPerSecond(server.port);
      if (round >= 0) rates.get(server)?.push(rate);
    }
  }
  const first = rates.values().next().value ?? [];
  console.log(markdownTable(
    ["server", "handshakes/s", "± spread", `of ${servers[0]?.name}`],
    [...rates].map(([server, measured]) => [
      server.name,
      figure(median(measured)),
      `${Math.round(spread(measured) * 100)} %`,
      figure(median(measured.map((rate, round) => rate / (first[round] ?? NaN)))),
    ]),
  ));
}

async function handshakesPerSecond(port: number): Promise<number> {
  const time = String(args["seconds"]);
  const options = { args: ["s_time", "-connect", `127.0.0.1:${port}`, "-new", "-time", time] };
  const { stdout } = await runOrFail("openssl", options);
  const [, count, seconds] = /(\d+) connections in (\d+) real seconds/.exec(new TextDecoder().decode(stdout)) ?? [];
  return Number(count) / Number(seconds);
}
