/**
 * A mailbox of many mails fetched through each X by a client that pipelines its commands: mails a second.
 *
 *     deno task bench pop3 [--mails 2000] [--kilobytes 8] [--window 20] [--rounds 5]
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { encodeUtf8 } from "../src/base/bytes.ts";
import { DotReader } from "../src/net/dot_stream.ts";
import { makeCertificate } from "../tests/peers/certificate.ts";
import { type Dovecot, passwordOf, startDovecot } from "../tests/peers/dovecot.ts";
import { findProgram } from "../tests/peers/peer.ts";
import { freePorts, isListening, startProgram } from "../tests/peers/program.ts";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { processUse } from "./process_use.ts";
import { benchMail } from "./smtp_client.ts";
import { startMailtee, yaml } from "./start_mailtee.ts";

const args = parseArgs(Deno.args, {
  string: ["mails", "kilobytes", "window", "rounds"],
  default: { mails: "2000", kilobytes: "8", window: "20", rounds: "5" },
});
const mails = Number(args["mails"]);
const rounds = Number(args["rounds"]);
/** Commands that are under way at the same time. */
const windowSize = Number(args["window"]);
const USER = "anna";

interface Way {
  readonly name: string;
  readonly port: number;
  readonly pids: () => Promise<readonly number[]>;
  readonly stop: () => Promise<unknown>;
}

const missing = ["dovecot", "haproxy"].filter((binary) => findProgram(binary) === undefined);
if (missing.includes("dovecot") || Deno.uid() !== 0) {
  console.error("pop3: left out, since it needs dovecot-core and dovecot-pop3d, started by root");
  Deno.exit(0);
}
if (missing.includes("haproxy")) console.error("haproxy: left out, since haproxy isn't installed");

const folder = await Deno.makeTempDir({ prefix: "mailtee-bench-" });
try {
  const certificate = await makeCertificate(folder);
  const dovecot = await startDovecot({ folder, certificate, users: [USER] });
  const mail = benchMail(Number(args["kilobytes"]) * 1024).slice(0, -".\r\n".length);
  await dovecot.put(USER, Array.from({ length: mails }, () => mail));
  const ways = await startWays(dovecot);
  try {
    await compare(ways);
  } finally {
    for (const way of ways) await way.stop();
    await dovecot.stop();
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function startWays(dovecot: Dovecot): Promise<Way[]> {
  const target = dovecot.pop3Port;
  return [
    { name: "direct", port: target, pids: () => Promise.resolve([]), stop: () => Promise.resolve() },
    ...missing.includes("haproxy") ? [] : [await haproxy(target)],
    await mailtee("mailtee", target, "always"),
    await mailtee('mailtee, nothing new (`recapture: "never"`)', target, "never"),
  ];
}

async function haproxy(target: number): Promise<Way> {
  const [port = 0] = freePorts(1);
  const config = join(folder, "haproxy.cfg");
  await Deno.writeTextFile(
    config,
    `global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 300s\n  timeout server 300s\n` +
      `listen pop3\n  bind 127.0.0.1:${port}\n  server dovecot 127.0.0.1:${target}\n`,
  );
  const program = startProgram("haproxy", { args: ["-db", "-f", config] });
  await program.waitFor(() => isListening(port));
  return { name: "haproxy (TCP)", port, pids: () => Promise.resolve([program.pid]), stop: () => program.stop() };
}

async function mailtee(name: string, target: number, recapture: "always" | "never"): Promise<Way> {
  const [port = 0] = freePorts(1);
  const own = join(folder, recapture);
  await Deno.mkdir(own);
  const proxy = {
    kind: "pop3",
    listen: [{ address: "127.0.0.1", port, tls: "none" }],
    target: { host: "127.0.0.1", port: target },
    recapture,
  };
  const config = { dropFolder: join(own, "drop"), log: { level: "warning" }, proxies: [proxy] };
  await Deno.writeTextFile(join(own, "proxy.config.yaml"), yaml(config));
  return { name, ...await startMailtee(["run", join(own, "proxy.config.yaml")], port, join(own, "log")) };
}

async function compare(ways: readonly Way[]): Promise<void> {
  const rates = new Map<Way, number[]>(ways.map((way) => [way, []]));
  const cpu = new Map<Way, number[]>(ways.map((way) => [way, []]));
  for (let round = -1; round < rounds; round++) {
    for (const way of ways) {
      const before = processUse(await way.pids()).cpuMs;
      const seconds = await fetchAll(way.port);
      if (round < 0) continue;
      rates.get(way)?.push(mails / seconds);
      cpu.get(way)?.push((processUse(await way.pids()).cpuMs - before) / mails);
    }
  }
  const haproxyRates = [...rates].find(([way]) => way.name.startsWith("haproxy"))?.[1] ?? [];
  console.log(
    `\n**${mails} mails of ${args["kilobytes"]} KB, ${windowSize} RETR under way**\n\n` +
      markdownTable(
        ["X", "mails/s", "± spread", "of haproxy", "CPU ms a mail"],
        [...rates].map(([way, measured]) => [
          way.name,
          figure(median(measured)),
          `${Math.round(spread(measured) * 100)} %`,
          figure(median(measured.map((rate, round) => rate / (haproxyRates[round] ?? NaN)))),
          figure(median(cpu.get(way) ?? [])),
        ]),
      ),
  );
}

/** Logs in and retrieves every mail; gives the seconds that the retrieving took. */
async function fetchAll(port: number): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const buffer = new Uint8Array(64 * 1024);
  const lines = async (bytes: string | null) => {
    if (bytes !== null) await connection.write(encodeUtf8(bytes));
    const count = await connection.read(buffer) ?? 0;
    if (buffer[0] !== 0x2b) throw new Error(new TextDecoder().decode(buffer.subarray(0, count)));
  };
  await lines(null);
  await lines(`USER ${USER}\r\n`);
  await lines(`PASS ${passwordOf(USER)}\r\n`);
  // Only who has heard of PIPELINING may have several commands under way (RFC 2449 section 6.6).
  await lines("CAPA\r\n");
  const started = performance.now();
  let asked = 0;
  const ask = async (upTo: number) => {
    let commands = "";
    while (asked < Math.min(upTo, mails)) commands += `RETR ${++asked}\r\n`;
    if (commands !== "") await connection.write(encodeUtf8(commands));
  };
  await ask(windowSize);
  let reader = new DotReader({ bareNewline: "keep" });
  for (let got = 0; got < mails;) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error(`the server hung up after ${got} mails`);
    for (let at = 0; at < count;) {
      // The +OK line before a mail goes for the mail's first line.
      const step = reader.push(buffer.subarray(at, count));
      at += step.consumed;
      if (!step.ended) continue;
      got++;
      reader = new DotReader({ bareNewline: "keep" });
    }
    await ask(got + windowSize);
  }
  const seconds = (performance.now() - started) / 1000;
  await connection.write(encodeUtf8("QUIT\r\n"));
  await connection.read(buffer);
  return seconds;
}
