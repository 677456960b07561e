/**
 * Mailboxes fetched through each X: one of many mails by a client that pipelines its commands, and one by mpop, which
 * asks for one mail after the other and delivers each into a Maildir.
 *
 *     deno task bench pop3 [--mails 10000] [--mpop-mails 1000] [--kilobytes 8] [--window 20] [--rounds 5]
 */

import { parseArgs } from "@std/cli";
import { makeCertificate } from "../tests/peers/certificate.ts";
import { startDovecot } from "../tests/peers/dovecot.ts";
import { findProgram } from "../tests/peers/peer.ts";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { fetchByMpop, fetchPipelined } from "./pop3_clients.ts";
import { type Pop3Way, startWays } from "./pop3_ways.ts";
import { processUse } from "./process_use.ts";
import { benchMail } from "./smtp_client.ts";
import { inWorkFolder, settleDisk } from "./work_folder.ts";

const args = parseArgs(Deno.args, {
  string: ["mails", "mpop-mails", "kilobytes", "window", "rounds"],
  default: { mails: "10000", "mpop-mails": "1000", kilobytes: "8", window: "20", rounds: "5" },
});
const rounds = Number(args["rounds"]);
/** Commands that are under way at the same time. */
const windowSize = Number(args["window"]);

interface Client {
  readonly title: string;
  readonly user: string;
  readonly mails: number;
  /** Fetches all mails; gives the seconds that it took. */
  readonly fetch: (port: number, folder: string) => Promise<number>;
}

function pipelining(user: string, mails: number): Client {
  return {
    title: `${mails} mails of ${args["kilobytes"]} KB, ${windowSize} RETR under way`,
    user,
    mails,
    fetch: (port) => fetchPipelined({ port, user, mails }, windowSize),
  };
}

function mpop(user: string, mails: number): Client {
  return {
    title: `${mails} mails of ${args["kilobytes"]} KB, mpop into a Maildir`,
    user,
    mails,
    fetch: (port, folder) => fetchByMpop({ port, user, mails }, folder),
  };
}

if (findProgram("dovecot") === undefined || Deno.uid() !== 0) {
  console.error("pop3: left out, since it needs dovecot-core and dovecot-pop3d, started by root");
  Deno.exit(0);
}
const clients = [pipelining("anna", Number(args["mails"]))];
if (findProgram("mpop") !== undefined) clients.push(mpop("bert", Number(args["mpop-mails"])));
else console.error("mpop: left out, since mpop isn't installed");

await inWorkFolder(async (folder) => {
  const home = await Deno.makeTempDir({ dir: folder });
  const users = clients.map(({ user }) => user);
  const dovecot = await startDovecot({ folder: home, certificate: await makeCertificate(home), users });
  const ways: Pop3Way[] = [];
  try {
    const mail = benchMail(Number(args["kilobytes"]) * 1024).slice(0, -".\r\n".length);
    for (const { user, mails } of clients) await dovecot.put(user, Array.from({ length: mails }, () => mail));
    ways.push(...await startWays(dovecot.pop3Port, folder));
    for (const client of clients) await compare(ways, client, folder);
  } finally {
    for (const way of ways) await way.stop();
    await dovecot.stop();
  }
});

async function compare(ways: readonly Pop3Way[], client: Client, folder: string): Promise<void> {
  console.error(client.title);
  const rates = new Map<Pop3Way, number[]>(ways.map((way) => [way, []]));
  const cpu = new Map<Pop3Way, number[]>(ways.map((way) => [way, []]));
  // The first round fills caches, and lets mailtee see each mail for the first time.
  for (let round = -1; round < rounds; round++) {
    for (const way of ways) {
      await settleDisk();
      const before = processUse(await way.pids()).cpuMs;
      const seconds = await client.fetch(way.port, folder);
      if (round < 0) continue;
      rates.get(way)?.push(client.mails / seconds);
      cpu.get(way)?.push((processUse(await way.pids()).cpuMs - before) / client.mails);
    }
  }
  const haproxy = [...rates].find(([way]) => way.name.startsWith("haproxy"))?.[1] ?? [];
  const rows = [...rates].map(([way, measured]) => [
    way.name,
    figure(median(measured)),
    `${Math.round(spread(measured) * 100)} %`,
    figure(median(measured.map((rate, round) => rate / (haproxy[round] ?? NaN)))),
    figure(median(cpu.get(way) ?? [])),
  ]);
  const head = ["X", "mails/s", "± spread", "of haproxy", "CPU ms a mail"];
  console.log(`\n**${client.title}**\n\n${markdownTable(head, rows)}`);
}
