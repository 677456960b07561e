/**
 * The first page of a set of queries in an archive of small generated mails, by date and by rank, in one process as the
 * console has it.
 *
 *     deno task bench search [--mails 100000] [--rounds 50] [--archive FOLDER]
 *
 * With --archive it fills an archive there and keeps it, or searches the one that is there.
 */

import { createHash } from "node:crypto";
import { cpuUsage } from "node:process";
import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { openArchive } from "../src/archive/archive.ts";
import { parseQuery } from "../src/archive/query_parser.ts";
import type { Archive, NewCapture } from "../src/archive/types.ts";
import { createUlidMaker } from "../src/base/ids.ts";
import { figure, markdownTable, median, percentile } from "./figures.ts";
import { generateMail, word } from "./mail_generator.ts";
import { processUse } from "./process_use.ts";
import { inWorkFolder } from "./work_folder.ts";

const BATCH_MAILS = 1000;
const PAGE_MAILS = 50;
/** The CPU of filling is told for each so many mails: it shows whether a large archive takes longer for a mail. */
const CURVE_MAILS = 100_000;

const args = parseArgs(Deno.args, {
  string: ["mails", "rounds", "archive"],
  default: { mails: "100000", rounds: "50" },
});
const mails = Number(args["mails"]);
const rounds = Number(args["rounds"]);
const kept = args["archive"];

const QUERIES: readonly (readonly [string, string])[] = [
  ["a word of most mails", word(2)],
  ["a common word", word(40)],
  ["a rare word", word(40_000)],
  ["two common words", `${word(3)} ${word(40)}`],
  ["five common words", `${word(2)} ${word(3)} ${word(4)} ${word(5)} ${word(6)}`],
  ["a common word and a rare one", `${word(3)} ${word(40_000)}`],
  ["a common word or a rare one", `${word(40)} OR ${word(40_000)}`],
  ["a phrase", `"${word(2)} ${word(3)}"`],
  ["a beginning of two letters", `${word(40).slice(0, 2)}*`],
  ["a beginning of four letters", `${word(40)}*`],
  ["a common word, not another", `${word(3)} -${word(2)}`],
  ["not a common word", `-${word(3)}`],
  ["a common word in the subject", `subject:${word(3)}`],
  ["an address", "from:company.example"],
  ["a common word in a month", `${word(3)} after:2016-03-01 before:2016-04-01`],
  ["a user's mails", "user:anna"],
];

if (typeof kept === "string") await measure(kept);
else await inWorkFolder((folder) => measure(join(folder, "archive")));

async function measure(path: string): Promise<void> {
  const archive = await openArchive(path);
  try {
    const { mails: found } = await archive.catalog.totals();
    if (found === 0) {
      const curve = await fill(archive);
      console.log(`Filling the catalog, ms of CPU a mail for each ${CURVE_MAILS}: ${curve.map(figure).join(", ")}.\n`);
    }
    const rows: string[][] = [];
    for (const [name, text] of QUERIES) rows.push(...await searched(archive, name, text));
    console.log(`${found || mails} mails, the first ${PAGE_MAILS} of each query, ${rounds} times.\n`);
    console.log(markdownTable(["query", "by", "found", "median ms", "p99 ms", "CPU ms"], rows));
  } finally {
    archive.close();
  }
}

/** The rows of a query, by date and by rank. */
async function searched({ catalog }: Archive, name: string, text: string): Promise<string[][]> {
  const query = parseQuery(text, { now: Date.now() });
  const found = await catalog.count(query);
  const rows: string[][] = [];
  for (const by of ["date", "rank"] as const) {
    const times: number[] = [];
    const before = cpuUsage();
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      await catalog.search(query, { by, limit: PAGE_MAILS });
      times.push(performance.now() - started);
    }
    const { user, system } = cpuUsage(before);
    const cpuMs = (user + system) / 1000 / rounds;
    rows.push([name, by, String(found), figure(median(times)), figure(percentile(times, 0.99)), figure(cpuMs)]);
  }
  return rows;
}

/** Fills the catalog alone: searches don't read the mails themselves. Gives the CPU a mail, in ms. */
async function fill({ catalog }: Archive): Promise<number[]> {
  const curve: number[] = [];
  let cpuBefore = processUse([Deno.pid]).cpuMs;
  await catalog.syncUsers([{ name: "anna", addresses: ["anna@company.example"], pop3Users: [] }]);
  const makeId = createUlidMaker(() => Date.now());
  for (let first = 0; first < mails; first += BATCH_MAILS) {
    const count = Math.min(BATCH_MAILS, mails - first);
    await catalog.addCaptures(Array.from({ length: count }, (_, place) => captured(first + place, makeId())));
    const done = first + count;
    if (done % CURVE_MAILS > 0 && done < mails) continue;
    const { cpuMs } = processUse([Deno.pid]);
    curve.push((cpuMs - cpuBefore) / (done % CURVE_MAILS || CURVE_MAILS));
    cpuBefore = cpuMs;
  }
  return curve;
}

function captured(number: number, id: string): NewCapture {
  const { octets, from, to, subject, text, date, messageId } = generateMail(number, true);
  const extracted = { subject, from, to: to.join(", "), cc: "", date, messageId, text, attachments: [], problems: [] };
  return {
    capture: {
      id,
      file: `${id}.eml`,
      proxy: { name: "bench", kind: "smtp" },
      client: "127.0.0.1",
      started: date,
      outcome: "accepted",
      addresses: [{ role: "sender", address: "anna@company.example" }],
      report: { version: 1 },
    },
    mail: { sha256: createHash("sha256").update(octets).digest("hex"), size: octets.length, extracted },
    users: ["anna"],
  };
}
