/**
 * 1,000 sessions that are all busy: whether one is refused or times out, and whether every mail was captured.
 *
 *     deno task bench busy [--rounds 5] [--sessions 1000] [--mails 5000] [--kilobytes 4]
 */

import { parseArgs } from "@std/cli";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { processUse } from "./process_use.ts";
import type { Relay, RelayKind } from "./relay_kind.ts";
import { chosenRelays, MAILTEE, withRelays } from "./relay_peers.ts";
import { loadTitle, sendBySource } from "./smtp_source.ts";
import { inWorkFolder, settleDisk } from "./work_folder.ts";

const args = parseArgs(Deno.args, {
  string: ["rounds", "sessions", "mails", "kilobytes"],
  default: { rounds: "5", sessions: "1000", mails: "5000", kilobytes: "4" },
});
const rounds = Number(args["rounds"]);
const sessions = Number(args["sessions"]);
const mails = Number(args["mails"]);
const kilobytes = Number(args["kilobytes"]);

const kinds = chosenRelays(["haproxy", "mailtee"])
  .filter(({ name }) => ["direct", "haproxy (TCP)", "mailtee"].includes(name));

interface Measure {
  /** Null where smtp-source gave up, since a session was refused, failed or timed out. */
  readonly mailsPerSecond: number | null;
  /** Mails that were sent and aren't in the drop folder. */
  readonly missing: number;
  readonly peakMb: number;
}

await inWorkFolder(async (folder) => {
  for (const reuse of [false, true]) await compare(folder, reuse);
});

async function compare(folder: string, reuse: boolean): Promise<void> {
  const title = loadTitle({ bytes: kilobytes * 1024, sessions, reuse });
  console.error(title);
  const measured = new Map<RelayKind, Measure[]>();
  await withRelays(kinds, folder, async (relays) => {
    for (let round = 0; round < rounds; round++) {
      for (const [kind, relay] of relays) {
        measured.set(kind, [...measured.get(kind) ?? [], await measure(relay, reuse)]);
      }
    }
  });
  print(title, measured);
}

async function measure(relay: Relay, reuse: boolean): Promise<Measure> {
  await settleDisk();
  const before = capturesOf(relay);
  const seconds = await sendBySource({ port: relay.port, sessions, mails, bytes: kilobytes * 1024, reuse })
    .catch((error) => {
      console.error(error);
      return null;
    });
  return {
    mailsPerSecond: seconds === null ? null : mails / seconds,
    missing: mails - (capturesOf(relay) - before),
    peakMb: processUse(await relay.pids()).peakMb,
  };
}

/** Complete captures in its drop folder; 0 where it keeps none. */
function capturesOf({ dropFolder }: Relay): number {
  if (dropFolder === undefined) return 0;
  return [...Deno.readDirSync(dropFolder)].filter(({ name }) => name.endsWith(".eml")).length;
}

function print(title: string, measured: ReadonlyMap<RelayKind, readonly Measure[]>): void {
  const haproxy = [...measured].find(([kind]) => kind.name.startsWith("haproxy"))?.[1];
  const rows = [...measured].map(([kind, measures]) => {
    const rates = measures.flatMap(({ mailsPerSecond }) => mailsPerSecond ?? []);
    const ratios = measures.flatMap(({ mailsPerSecond }, round) => {
      const other = haproxy?.[round]?.mailsPerSecond;
      return mailsPerSecond && other ? mailsPerSecond / other : [];
    });
    const missing = measures.reduce((sum, each) => sum + each.missing, 0);
    return [
      kind.name,
      figure(median(rates)),
      `${Math.round(spread(rates) * 100)} %`,
      figure(median(ratios)),
      `${rounds - rates.length} of ${rounds}`,
      kind === MAILTEE ? `${missing} of ${mails * rounds}` : "–",
      figure(Math.max(...measures.map(({ peakMb }) => peakMb))),
    ];
  });
  const head = ["X", "mails/s", "± spread", "of haproxy", "runs that failed", "captures missing", "peak MB"];
  console.log(`\n**${title}**\n\n${markdownTable(head, rows)}`);
}
