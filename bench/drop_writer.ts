/**
 * Durable captures per second, beside a plain loop of open, write, fdatasync and rename with the same concurrency in the
 * same run. Both write mails of 4 KB; the loop writes nothing but the mail, hashes nothing and flushes no directory.
 *
 *     deno run -A bench/drop_writer.ts [--seconds N] [--folder PATH]
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { encodeUtf8 } from "../src/base/bytes.ts";
import type { CaptureStart } from "../src/drop/types.ts";
import { openDropWriter } from "../src/drop/writer.ts";

const options = parseArgs(Deno.args, { string: ["seconds", "folder"] });
const seconds = Number(options["seconds"] ?? 1);
const folder = await Deno.makeTempDir(options["folder"] === undefined ? {} : { dir: String(options["folder"]) });
const rounds = 3;

const header = "From: anna@company.example\r\nTo: info@company.example\r\nSubject: bench\r\nMessage-ID: <b@x>\r\n\r\n";
const mail = encodeUtf8(
  (header + "The quick brown fox jumps over the lazy dog, 0123456789.\r\n".repeat(80)).slice(0, 4096),
);
const start: CaptureStart = {
  proxy: { name: "bench", kind: "smtp", listen: "127.0.0.1:25" },
  client: { address: "127.0.0.1", port: 40000, helo: "bench", tls: null, authenticatedAs: null },
  target: { host: "localhost", address: "127.0.0.1", port: 2525, tls: null },
  smtp: {
    mailFrom: "anna@company.example",
    params: [],
    recipients: [{ address: "info@company.example", params: [], reply: "250 2.1.5 Ok" }],
    rejectedRecipients: [],
  },
};

/** Runs `once` from so many loops at once for the time of a round; gives runs per second. */
async function rate(concurrency: number, once: (run: number) => Promise<unknown>): Promise<number> {
  let runs = 0;
  const begin = performance.now();
  const end = begin + seconds * 1000;
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (performance.now() < end) await once(runs++);
  }));
  return runs / ((performance.now() - begin) / 1000);
}

async function writePlain(directory: string, run: number): Promise<void> {
  const temporary = join(directory, `${run}.part`);
  const file = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 });
  file.writeSync(mail);
  await file.syncData();
  file.close();
  Deno.renameSync(temporary, join(directory, `${run}.eml`));
}

async function inFolder(name: string, work: (directory: string) => Promise<number>): Promise<number> {
  const directory = join(folder, name);
  await Deno.mkdir(directory);
  try {
    return await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const plainRate = (concurrency: number) =>
  inFolder("plain", (directory) => rate(concurrency, (run) => writePlain(directory, run)));

let flushShare = 0;
const writerRate = (concurrency: number) =>
  inFolder("drop", async (directory) => {
    const writer = await openDropWriter(directory);
    const result = await rate(concurrency, async () => {
      const capture = writer.begin(start);
      capture.write(mail);
      await capture.seal();
      await capture.commit({ outcome: "accepted", reply: "250 2.0.0 Ok: queued as 4F3C" });
    });
    const { committed, directoryFlushes } = writer.counters();
    flushShare = directoryFlushes / committed;
    await writer.close();
    return result;
  });

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

try {
  console.log("at once   plain files/s   captures/s   ratio   directory flushes per capture");
  for (const concurrency of [1, 8, 32]) {
    const plain: number[] = [];
    const captures: number[] = [];
    for (let round = 0; round < rounds; round++) {
      plain.push(await plainRate(concurrency));
      captures.push(await writerRate(concurrency));
    }
    const [a, b] = [median(plain), median(captures)];
    console.log(
      [
        String(concurrency).padStart(7),
        a.toFixed(0).padStart(15),
        b.toFixed(0).padStart(12),
        (b / a).toFixed(2).padStart(7),
        flushShare.toFixed(2).padStart(31),
      ].join(" "),
    );
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
