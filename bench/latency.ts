/**
 * How long one mail takes at one session, from MAIL to the answer to its end, through each X in turn; and how much more
 * that is than without X. Beside it, how long the disk takes for one small file, its flush and that of its directory.
 *
 *     deno task bench latency [--mails 400] [--sizes 4,64] [--only mailtee,haproxy]
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { figure, markdownTable, median, percentile } from "./figures.ts";
import { chosenRelays, withRelays } from "./relay_peers.ts";
import { benchMail, SmtpClient } from "./smtp_client.ts";
import { inWorkFolder } from "./work_folder.ts";

const args = parseArgs(Deno.args, {
  string: ["mails", "sizes", "only"],
  default: { mails: "400", sizes: "4,64", only: "" },
});
const mails = Number(args["mails"]);
const kinds = chosenRelays(String(args["only"]).split(",").filter(Boolean))
  .filter((kind) => kind.name !== "Postfix, queue");

/** So many mails go through one X before the next has its turn. */
const TURN = 10;
const WARM_UP_TURNS = 30;

await inWorkFolder(async (folder) => {
  for (const kilobytes of String(args["sizes"]).split(",").map(Number)) await compare(kilobytes, folder);
});

async function compare(kilobytes: number, folder: string): Promise<void> {
  const mail = benchMail(kilobytes * 1024);
  await withRelays(kinds, folder, async (relays) => {
    const own = await Deno.makeTempDir({ dir: folder });
    const clients = new Map<string, SmtpClient>();
    const times = new Map<string, number[]>();
    const flushes: number[] = [];
    try {
      for (const [kind, relay] of relays) clients.set(kind.name, await SmtpClient.connect(relay.port));
      const turns = Math.ceil(mails / TURN);
      for (let turn = -WARM_UP_TURNS; turn < turns; turn++) {
        for (const [name, client] of clients) {
          const taken = await timed(TURN, () => client.send(mail));
          if (turn >= 0) times.set(name, [...times.get(name) ?? [], ...taken]);
        }
        if (turn >= 0) flushes.push(...await timed(TURN, () => flushOneFile(own, mail)));
      }
    } finally {
      for (const client of clients.values()) client.close();
    }
    print(kilobytes, times, flushes);
  });
}

/** Runs `once` so often, and gives how many milliseconds it took each time. */
async function timed(count: number, once: () => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  for (let run = 0; run < count; run++) {
    const started = performance.now();
    await once();
    taken.push(performance.now() - started);
  }
  return taken;
}

async function flushOneFile(folder: string, content: Uint8Array): Promise<void> {
  const path = join(folder, "file");
  const file = Deno.openSync(path, { write: true, createNew: true });
  const directory = Deno.openSync(folder, { read: true });
  file.writeSync(content);
  await Promise.all([file.syncData(), directory.sync()]);
  directory.close();
  file.close();
  Deno.removeSync(path);
}

function print(kilobytes: number, times: ReadonlyMap<string, readonly number[]>, flushes: readonly number[]): void {
  const direct = median(times.get("direct") ?? []);
  const rows = [...times, ["a file and its flushes, alone", flushes] as const].map(([name, taken]) => [
    name,
    figure(percentile(taken, 0.5)),
    figure(percentile(taken, 0.99)),
    taken === flushes ? "–" : figure(percentile(taken, 0.5) - direct),
  ]);
  console.log(
    `\n**${kilobytes} KB, one session**\n\n` +
      markdownTable(["X", "p50 ms", "p99 ms", "more than direct, p50 ms"], rows),
  );
}
