/**
 * The same mails taken in by `mailtee archive`, `mu index` and `notmuch new`, one after the other in each round, each into
 * a fresh archive or index: mails per second, CPU, memory, and what it takes on disk, beside a solid `tar | zstd -19`.
 * Generated mails, and those of the corpus where it is there. mailtee stores the mails and commits durably; mu and notmuch
 * index the files of a Maildir and thread them.
 *
 *     deno task bench ingest [--mails 20000] [--rounds 5] [--only mailtee]
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { openDropWriter } from "../src/drop/writer.ts";
import { findProgram } from "../tests/peers/peer.ts";
import { corpusFolder, corpusMails } from "../tests/unit/message/corpus.ts";
import { captureStart, writeCapture } from "../tests/unit/ingest/captures.ts";
import { figure, markdownTable, median, spread } from "./figures.ts";
import { generateMail } from "./mail_generator.ts";
import { processUse } from "./process_use.ts";
import { mailteeCommand, yaml } from "./start_mailtee.ts";
import { inWorkFolder, settleDisk } from "./work_folder.ts";

const WRITERS = 32;
const SAMPLE_MS = 20;

const args = parseArgs(Deno.args, { string: ["mails", "rounds", "only"], default: { mails: "20000", rounds: "5" } });
const mails = Number(args["mails"]);
const rounds = Number(args["rounds"]);

interface Indexer {
  readonly name: string;
  /** What has to be installed; null for mailtee itself. */
  readonly program: string | null;
  /** Command lines that make a fresh index, of which the last one is measured. */
  readonly commands: (folders: Folders) => readonly Command[];
  /** Where it keeps what it made. */
  readonly kept: (folders: Folders) => string;
}

interface Folders {
  readonly drop: string;
  readonly maildir: string;
  /** For this indexer in this round alone. */
  readonly own: string;
}

interface Command {
  readonly binary: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Measured {
  readonly seconds: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly diskMb: number;
}

const INDEXERS: readonly Indexer[] = [
  { name: "mailtee archive", program: null, commands: mailteeCommands, kept: ({ own }) => join(own, "archive") },
  { name: "mu index", program: "mu", commands: muCommands, kept: ({ own }) => join(own, "mu") },
  {
    name: "notmuch new",
    program: "notmuch",
    commands: notmuchCommands,
    kept: ({ maildir }) => join(maildir, ".notmuch"),
  },
];

await inWorkFolder(async (folder) => {
  const [drop, maildir] = [join(folder, "drop"), join(folder, "maildir")];
  const { count, octets } = await writeMails(drop, maildir);
  const compared = INDEXERS.filter(({ name }) => args["only"] === undefined || name.startsWith(String(args["only"])));
  const results = new Map<Indexer, Measured[]>(compared.map((indexer) => [indexer, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [indexer, measured] of results) {
      if (!isInstalled(indexer)) continue;
      measured.push(await measure(indexer, { drop, maildir, own: join(folder, `${indexer.program}-${round}`) }));
    }
  }
  console.log(`${count} mails, ${figure(octets / 1e6)} MB; ${rounds} rounds.\n`);
  console.log(markdownTable(
    ["", "mails/s", "± %", "mailtee is", "CPU ms per mail", "peak MB", "on disk MB", "share of raw"],
    [...results].map(([indexer, measured]) => row(indexer, measured, count, octets, results)),
  ));
  if (args["only"] === undefined) await printFloor(maildir, octets);
});

function isInstalled({ program }: Indexer): boolean {
  return program === null || findProgram(program) !== undefined;
}

function row(
  indexer: Indexer,
  measured: readonly Measured[],
  count: number,
  octets: number,
  results: ReadonlyMap<Indexer, readonly Measured[]>,
): string[] {
  if (measured.length === 0) return [indexer.name, "not installed", "", "", "", "", "", ""];
  const middle = (field: keyof Measured) => median(measured.map((run) => run[field]));
  const seconds = measured.map((run) => run.seconds);
  const own = [...results].find(([{ program }]) => program === null)?.[1].map((run) => run.seconds) ?? [];
  return [
    indexer.name,
    figure(count / median(seconds)),
    figure(spread(seconds) * 100),
    `${figure(median(seconds) / median(own))} × as fast`,
    figure(middle("cpuMs") / count),
    figure(middle("peakMb")),
    figure(middle("diskMb")),
    figure(middle("diskMb") * 1e6 / octets),
  ];
}

/** Writes the mails as captures into a drop folder and as files into a Maildir. */
async function writeMails(drop: string, maildir: string): Promise<{ count: number; octets: number }> {
  for (const name of ["cur", "new", "tmp"]) await Deno.mkdir(join(maildir, name), { recursive: true });
  const corpus = corpusFolder === null ? [] : corpusMails(corpusFolder);
  const writer = await openDropWriter(drop);
  let count = 0;
  let octets = 0;
  await Promise.all(Array.from({ length: WRITERS }, async () => {
    while (count < mails + corpus.length) {
      const number = count++;
      const path = corpus[number - mails];
      const mail = path === undefined ? generateMail(number).octets : await Deno.readFile(path);
      octets += mail.length;
      await Deno.writeFile(join(maildir, "cur", `${number}.bench:2,S`), mail);
      const envelope = { from: "anna@company.example", to: ["ben@company.example"] };
      await writeCapture(writer, captureStart(envelope), mail);
    }
  }));
  await writer.close();
  return { count, octets };
}

async function measure(indexer: Indexer, folders: Folders): Promise<Measured> {
  await Deno.mkdir(folders.own);
  await settleDisk();
  let seconds = 0;
  let use = { cpuMs: 0, peakMb: 0 };
  for (const { binary, args, env } of indexer.commands(folders)) {
    const started = performance.now();
    const child = new Deno.Command(binary, {
      args: [...args],
      ...(env === undefined ? {} : { env }),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const sampler = setInterval(() => {
      const now = processUse([child.pid]);
      if (now.peakMb > 0) use = now;
    }, SAMPLE_MS);
    const { success, stderr } = await child.output();
    clearInterval(sampler);
    seconds = (performance.now() - started) / 1000;
    if (!success) throw new Error(`${indexer.name} failed: ${new TextDecoder().decode(stderr)}`);
  }
  const kept = indexer.kept(folders);
  const diskMb = diskBytes(kept) / 1e6;
  // Out of the way, not removed: whoever creates files next has to pass the inodes of what was removed.
  await Deno.rename(kept, join(folders.own, "measured"));
  return { seconds, ...use, diskMb };
}

/** Octets of all files below a folder. */
function diskBytes(path: string): number {
  const info = Deno.lstatSync(path);
  if (!info.isDirectory) return info.size;
  return Array.from(Deno.readDirSync(path)).reduce((sum, { name }) => sum + diskBytes(join(path, name)), 0);
}

function mailteeCommands({ own, drop }: Folders): Command[] {
  const config = join(own, "proxy.config.yaml");
  const target = { host: "127.0.0.1", port: 9 };
  Deno.writeTextFileSync(
    config,
    yaml({
      dropFolder: drop,
      proxies: [{ kind: "smtp", listen: [{ address: "127.0.0.1", port: 2525, tls: "none" }], target }],
      archive: { path: join(own, "archive"), users: [{ name: "anna", addresses: ["anna@company.example"] }] },
      profiles: { bench: { dropFolder: drop } },
    }),
  );
  return [mailteeCommand(["archive", "--config", config])];
}

function muCommands({ own, maildir }: Folders): Command[] {
  const home = `--muhome=${join(own, "mu")}`;
  return [
    { binary: "mu", args: ["init", home, `--maildir=${maildir}`] },
    { binary: "mu", args: ["index", home, "--quiet"] },
  ];
}

function notmuchCommands({ own, maildir }: Folders): Command[] {
  const config = join(own, "notmuch-config");
  Deno.writeTextFileSync(
    config,
    `[database]\npath=${maildir}\n[user]\nname=Anna\nprimary_email=anna@company.example\n[new]\ntags=new\n`,
  );
  return [{ binary: "notmuch", args: ["new", "--quiet"], env: { NOTMUCH_CONFIG: config } }];
}

/** The least that can be kept of the mails: all of them compressed as one. */
async function printFloor(maildir: string, octets: number): Promise<void> {
  if (findProgram("zstd") === undefined) return console.log("zstd isn't installed, so the floor is missing.");
  const script = 'tar -c -C "$0" . | zstd -19 -q | wc -c';
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script, join(maildir, "cur")] }).output();
  const floor = Number(new TextDecoder().decode(stdout));
  console.log(`\`tar | zstd -19\` of all mails: ${figure(floor / 1e6)} MB, ${figure(floor / octets)} of raw.`);
}
