/**
 * Many idle sessions, and one very large mail: what mailtee takes for them.
 *
 *     deno task bench sessions [--idle 10000] [--gigabytes 1]
 *
 * Each session takes two descriptors of mailtee: where `ulimit -n` is too low, there are as many as it allows.
 */

import { parseArgs } from "@std/cli";
import { figure, markdownTable, median } from "./figures.ts";
import { processUse, residentMb } from "./process_use.ts";
import { MAILTEE, withRelays } from "./relay_peers.ts";
import { SmtpClient } from "./smtp_client.ts";
import { inWorkFolder } from "./work_folder.ts";

const args = parseArgs(Deno.args, { string: ["idle", "gigabytes"], default: { idle: "10000", gigabytes: "1" } });
/** Idle sessions are watched so often, for so long each time: V8 collects now and then, whoever is idle. */
const WATCHES = 6;
const WATCH_MS = 10_000;
/** V8 collects what a burst has left some seconds after it. */
const SETTLE_MS = 15_000;
/** Connections that are opened at the same time. */
const AT_ONCE = 50;
const OTHER_FILES = 200;

await inWorkFolder(async (folder) => {
  await withRelays([MAILTEE], folder, async (relays) => {
    for (const relay of relays.values()) {
      const [pid = 0] = await relay.pids();
      await idleSessions(relay.port, pid, Math.min(Number(args["idle"]), sessionLimit(pid)));
    }
  });
  await withRelays([MAILTEE], folder, async (relays) => {
    for (const relay of relays.values()) await largeMail(relay.port, await relay.pids(), Number(args["gigabytes"]));
  });
});

/** How many sessions a process's limit of open files leaves room for, beside the files that it needs anyway. */
function sessionLimit(pid: number): number {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/limits`))?.[1] ?? Infinity);
  const sessions = Math.floor((limit - OTHER_FILES) / 2);
  console.error(`ulimit -n of ${limit} leaves room for ${sessions} sessions`);
  return sessions;
}

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
  const memory: number[] = [];
  const cpuShares: number[] = [];
  for (let watch = 0; watch < WATCHES; watch++) {
    const cpu = processUse([pid]).cpuMs;
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    cpuShares.push((processUse([pid]).cpuMs - cpu) / WATCH_MS);
    memory.push(residentMb(pid));
  }
  for (const client of clients) client.close();
  const after = median(memory);
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  console.log(markdownTable(
    ["idle sessions", "MB before", "MB with them", "most", "KB each", "KB each of the second half", "CPU", "most"],
    [[
      String(count),
      figure(before),
      figure(after),
      figure(Math.max(...memory)),
      figure((after - before) * 1024 / count),
      figure((after - half) * 1024 / (count - halfCount)),
      percent(median(cpuShares)),
      percent(Math.max(...cpuShares)),
    ]],
  ));
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
