/**
 * TLS towards the client: handshakes one after the other (`openssl s_time -new`) and of many clients at once, those that
 * resume a session of TLS 1.2 (`-reuse`; s_time hangs up before the tickets of TLS 1.3), each with a connection to the
 * target behind it; and large mails.
 *
 *     deno task bench tls [--rounds 5] [--seconds 2] [--clients 20] [--megabytes 25]
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { findProgram } from "../tests/peers/peer.ts";
import { freePorts, runOrFail } from "../tests/peers/program.ts";
import { issueCertificate } from "../tests/unit/net/issue_certificate.ts";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { processUse } from "./process_use.ts";
import { type Relay, startListening } from "./relay_kind.ts";
import { startSink } from "./relay_peers.ts";
import { benchMail, SmtpClient } from "./smtp_client.ts";
import { startMailtee, yaml } from "./start_mailtee.ts";
import { inWorkFolder } from "./work_folder.ts";

const args = parseArgs(Deno.args, {
  string: ["rounds", "seconds", "clients", "megabytes"],
  default: { rounds: "5", seconds: "2", clients: "20", megabytes: "25" },
});
const rounds = Number(args["rounds"]);
const clients = Number(args["clients"]);

const mail = benchMail(Number(args["megabytes"]) * 1e6);

const WARM_UP_HANDSHAKES = 1000;

interface Server extends Relay {
  readonly name: string;
}

/** What a load has moved (handshakes, megabytes) within how many seconds. */
interface Moved {
  readonly count: number;
  readonly seconds: number;
}

interface Measure {
  readonly rate: number;
  readonly cpuMsEach: number;
}

const sink = await startSink();
const servers: Server[] = [];
await inWorkFolder(compareAll).finally(() => sink.stop());

async function compareAll(folder: string): Promise<void> {
  try {
    const authority = await issueCertificate({ names: ["bench authority"], ca: true });
    const { cert, key } = await issueCertificate({ names: ["localhost"], issuer: authority });
    const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    await Promise.all([Deno.writeTextFile(certFile, cert), Deno.writeTextFile(keyFile, key)]);
    if (findProgram("nginx") === undefined) console.error("nginx: left out, since nginx-light isn't installed");
    else servers.push(await nginx(folder, certFile, keyFile));
    if (findProgram("haproxy") === undefined) console.error("haproxy: left out, since haproxy isn't installed");
    else servers.push(await haproxy(folder, certFile, keyFile));
    servers.push(await mailtee(folder, certFile, keyFile));
    for (const { port } of servers) await warmUp(port);
    await compare("handshakes", "one client after the other", ({ port }) => handshakes(port, 1, ["-new"]));
    await compare("handshakes", `${clients} clients at once`, ({ port }) => handshakes(port, clients, ["-new"]));
    const resumed = ["-reuse", "-tls1_2"];
    await compare("handshakes", "one client that resumes its session", ({ port }) => handshakes(port, 1, resumed));
    await compare("MB", `one mail of ${args["megabytes"]} MB`, ({ port }) => largeMail(port, authority.cert));
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function nginx(folder: string, certFile: string, keyFile: string): Promise<Server> {
  const [port = 0] = freePorts(1);
  const config = join(folder, "nginx.conf");
  await Deno.writeTextFile(
    config,
    `include /etc/nginx/modules-enabled/*.conf;\ndaemon off;\nworker_processes 1;\npid ${folder}/nginx.pid;\n` +
      `error_log ${folder}/nginx.log;\nevents { worker_connections 4096; }\nstream { server {\n` +
      `listen 127.0.0.1:${port} ssl; proxy_pass 127.0.0.1:${sink.port};\n` +
      `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile}; } }\n`,
  );
  return { name: "nginx stream", ...await startListening("nginx", ["-c", config], port) };
}

async function haproxy(folder: string, certFile: string, keyFile: string): Promise<Server> {
  const [port = 0] = freePorts(1);
  const config = join(folder, "haproxy.cfg");
  const both = join(folder, "both.pem");
  await Deno.writeTextFile(both, await Deno.readTextFile(certFile) + await Deno.readTextFile(keyFile));
  await Deno.writeTextFile(
    config,
    `global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n` +
      `listen smtp\n  bind 127.0.0.1:${port} ssl crt ${both}\n  server sink 127.0.0.1:${sink.port}\n`,
  );
  return { name: "haproxy", ...await startListening("haproxy", ["-db", "-f", config], port) };
}

async function mailtee(folder: string, certFile: string, keyFile: string): Promise<Server> {
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

/** Loads the servers in turn, and prints what each has moved a second. */
async function compare(unit: string, title: string, load: (server: Server) => Promise<Moved>): Promise<void> {
  const results = new Map<Server, Measure[]>(servers.map((server) => [server, []]));
  for (let round = -1; round < rounds; round++) {
    for (const server of servers) {
      const measure = await measured(server, load);
      if (round >= 0) results.get(server)?.push(measure);
    }
  }
  const first = results.values().next().value ?? [];
  const rates = (measures: readonly Measure[]) => measures.map(({ rate }) => rate);
  console.log(
    `\n**${title}**\n\n` +
      markdownTable(
        ["server", `${unit}/s`, "± spread", `of ${servers[0]?.name}`, "CPU ms each"],
        [...results].map(([server, measures]) => [
          server.name,
          figure(median(rates(measures))),
          `${Math.round(spread(rates(measures)) * 100)} %`,
          figure(median(measures.map(({ rate }, round) => rate / (first[round]?.rate ?? NaN)))),
          figure(median(measures.map(({ cpuMsEach }) => cpuMsEach))),
        ]),
      ),
  );
}

async function measured(server: Server, load: (server: Server) => Promise<Moved>): Promise<Measure> {
  const before = processUse(await server.pids());
  const { count, seconds } = await load(server);
  const after = processUse(await server.pids());
  return { rate: count / seconds, cpuMsEach: (after.cpuMs - before.cpuMs) / count };
}

/** V8 compiles what has been called often enough. */
async function warmUp(port: number): Promise<void> {
  for (let count = 0; count < WARM_UP_HANDSHAKES;) count += (await handshakes(port, 2, ["-new"])).count;
}

async function handshakes(port: number, atOnce: number, how: readonly string[]): Promise<Moved> {
  const options = { args: ["s_time", "-connect", `127.0.0.1:${port}`, ...how, "-time", String(args["seconds"])] };
  const started = performance.now();
  const runs = await Promise.all(Array.from({ length: atOnce }, () => runOrFail("openssl", options)));
  const seconds = (performance.now() - started) / 1000;
  let count = 0;
  for (const { stdout } of runs) {
    count += Number(/(\d+) connections in \d+ real seconds/.exec(new TextDecoder().decode(stdout))?.[1]);
  }
  return { count, seconds };
}

async function largeMail(port: number, caCert: string): Promise<Moved> {
  const client = await SmtpClient.connect(port, caCert);
  const started = performance.now();
  await client.send(mail);
  const seconds = (performance.now() - started) / 1000;
  client.close();
  return { count: mail.length / 1e6, seconds };
}
