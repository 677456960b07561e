/**
 * Many idle sessions, and one very large mail: what mailtee takes for them.
 *
 *     deno task bench sessions [--idle 4500] [--gigabytes 1]
 *
 * Each session takes two sockets of mailtee, and one each of the client and of smtp-sink: raise `ulimit -n` for 10,000.
 */

import { parseArgs } from "@std/cli";
import { figure, markdownTable } from "./figures.ts";
import { processUse, residentMb } from "./process_use.ts";
import { chosenRelays, withRelays } from "./relay_peers.ts";
import { SmtpClient } from "./smtp_client.ts";
import { inWorkFolder } from "./work_folder.ts";

const args = parseArgs(Deno.args, { string: ["idle", "gigabytes"], default: { idle: "4500", gigabytes: "1" } });
const WATCH_MS = 10_000;
/** V8 collects what a burst has left some seconds after it. */
const SETTLE_MS = 15_000;
/** Connections that are opened at the same time. */
const AT_ONCE = 50;

const mailtee = chosenRelays(["mailtee"]).filter(({ name }) => name === "mailtee");

await inWorkFolder(async (folder) => {
  await withRelays(mailtee, folder, async (relays) => {
    for (const relay of relays.values()) {
      const [pid = 0] = await relay.pids();
      await idleSessions(relay.port, pid, Number(args["idle"]));
    }
  });
  await withRelays(mailtee, folder, async (relays) => {
    for (const relay of relays.values()) await largeMail(relay.port, await relay.pids(), Number(args["gigabytes"]));
  });
});

async function idleSessions(port: number, pid: number, count: number): Promise<void> {
  const before = residentMb(pid);
  const clients: SmtpClient[] = [];
  const open = async (total: number) => {
    while (clients.length < total) {
      const next = Array.from({ length: Math.min(AT_ONCE, total - clients.length) }, () => SmtpClient.connect(port));
      clients.push(...await Promise.all(next));
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  };
  await open(Math.floor(count / 2));
  const [half, halfCount] = [residentMb(pid), clients.length];
  await open(count);
  const cpu = processUse([pid]).cpuMs;
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  const cpuShare = (processUse([pid]).cpuMs - cpu) / WATCH_MS;
  const after = residentMb(pid);
  for (const client of clients) client.close();
  const head = ["idle sessions", "MB before", "MB with them", "KB each", "KB each of the second half", "CPU"];
  console.log(markdownTable(head, [[
    String(count),
    figure(before),
    figure(after),
    figure((after - before) * 1024 / count),
    figure((after - half) * 1024 / (count - halfCount)),
    `${(cpuShare * 100).toFixed(1)} %`,
  ]]));
}

async function largeMail(port: number, pids: readonly number[], gigabytes: number): Promise<void> {
  const bytes = Math.round(gigabytes * 2 ** 30);
  const started = performance.now();
  const size = ["-l", String(bytes), "-m", "1", "-s", "1"];
  const envelope = ["-f", "from@company.example", "-t", "to@company.example"];
  const source = new Deno.Command("smtp-source", { args: [...size, ...envelope, `127.0.0.1:${port}`], stdin: "null" });
  const { success } = await source.spawn().status;
  if (!success) throw new Error("smtp-source didn't deliver its mail");
  const seconds = (performance.now() - started) / 1000;
  const { peakMb, cpuMs } = processUse(pids);
  console.log(markdownTable(["one mail of", "MB/s", "CPU s", "peak MB"], [[
    `${gigabytes} GB`,
    figure(bytes / 1e6 / seconds),
    figure(cpuMs / 1000),
    figure(peakMb),
  ]]));
}
