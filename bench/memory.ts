/**
 * The memory of mailtee under a steady load: how much it has after each minute, and how much more an hour would add, by
 * the line of least squares through the second half.
 *
 *     deno task bench memory [--minutes 2] [--rate 50] [--sessions 20]
 */

import { parseArgs } from "@std/cli";
import { figure, markdownTable, median } from "./figures.ts";
import { residentMb } from "./process_use.ts";
import type { Relay } from "./relay_kind.ts";
import { MAILTEE, withRelays } from "./relay_peers.ts";
import { sendBySource } from "./smtp_source.ts";
import { inWorkFolder } from "./work_folder.ts";

const args = parseArgs(Deno.args, {
  string: ["minutes", "rate", "sessions"],
  default: { minutes: "2", rate: "50", sessions: "20" },
});
const minutes = Number(args["minutes"]);
/** Mails a second. */
const rate = Number(args["rate"]);
const sessions = Number(args["sessions"]);

/** How often a part of the load is sent and memory is read. */
const INTERVAL_MS = 5000;
/** Sizes of the mails, taken in turn. */
const SIZES_BYTES = [4096, 65_536];

interface Sample {
  readonly hours: number;
  readonly mb: number;
}

await inWorkFolder((folder) =>
  withRelays([MAILTEE], folder, async (relays) => {
    for (const relay of relays.values()) await watch(relay);
  })
);

async function watch(relay: Relay): Promise<void> {
  const [pid = 0] = await relay.pids();
  const atStart = residentMb(pid);
  const samples: Sample[] = [];
  const mailsEach = Math.max(sessions, Math.round(rate * INTERVAL_MS / 1000));
  const intervals = Math.round(minutes * 60_000 / INTERVAL_MS);
  const started = performance.now();
  for (let turn = 1; turn <= intervals; turn++) {
    const bytes = SIZES_BYTES[turn % SIZES_BYTES.length] ?? 4096;
    await sendBySource({ port: relay.port, sessions, mails: mailsEach, bytes, reuse: turn % 3 === 0 });
    const restMs = Math.max(0, started + turn * INTERVAL_MS - performance.now());
    await new Promise((resolve) => setTimeout(resolve, restMs));
    const mb = residentMb(pid);
    samples.push({ hours: (performance.now() - started) / 3_600_000, mb });
    if (turn * INTERVAL_MS % 60_000 === 0) console.error(`${turn * INTERVAL_MS / 60_000} min: ${figure(mb)} MB`);
  }
  print(atStart, samples, mailsEach * intervals);
}

/** The slope of the line of least squares. */
function mbPerHour(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [hours, mb] = [mean(samples.map((each) => each.hours)), mean(samples.map((each) => each.mb))];
  const covariance = mean(samples.map((each) => (each.hours - hours) * (each.mb - mb)));
  return covariance / mean(samples.map((each) => (each.hours - hours) ** 2));
}

function print(atStart: number, samples: readonly Sample[], mails: number): void {
  const half = samples.slice(Math.floor(samples.length / 2));
  const mb = samples.map((each) => each.mb);
  const tenth = Math.ceil(samples.length / 10);
  console.log(markdownTable(
    ["minutes", "mails", "MB at the start", "first tenth", "last tenth", "most", "MB an hour, second half"],
    [[
      String(minutes),
      String(mails),
      figure(atStart),
      figure(median(mb.slice(0, tenth))),
      figure(median(mb.slice(-tenth))),
      figure(Math.max(...mb)),
      mbPerHour(half).toFixed(1),
    ]],
  ));
}
