/** The program itself, as a process, killed by the system at a chosen system call while it works. */

import { openArchive } from "../../src/archive/archive.ts";
import type { Archive } from "../../src/archive/types.ts";
import { parseReport } from "../../src/drop/report_schema.ts";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { errorText } from "../../src/base/errors.ts";
import { type RunningProgram, startProgram } from "../peers/program.ts";
import { randomSource } from "../unit/net/random.ts";
import { fetchMails, sendMails, type ToldMail } from "./clients.ts";
import { type InstalledProgram, installProgram } from "./installed_program.ts";
import { type CopiedMail, type Ledgers, readCopies, type Violation, violations } from "./ledgers.ts";
import { makeMail, tokenOf } from "./mails.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/**
 * System calls that change a disk or use a socket, and how often one thread makes each under the load, roughly. strace
 * counts per thread.
 */
const CALLS: Readonly<Record<string, number>> = {
  pwrite64: 280,
  write: 60,
  sendto: 90,
  recvfrom: 90,
  rename: 14,
  unlink: 14,
  mkdir: 10,
  openat: 50,
  ftruncate: 6,
  fsync: 12,
  fdatasync: 5,
  accept4: 3,
  connect: 3,
  shutdown: 6,
};

export interface TracedKillOptions {
  readonly seed: number;
  readonly cuts: number;
  /** A bug of `sown_program.ts`. */
  readonly sown?: string;
  readonly progress?: (done: number) => void;
}

export interface TracedKillResult {
  readonly cuts: number;
  /** How many of the cuts killed the program; the others' call never came. */
  readonly fired: number;
  /** Kills by system call. */
  readonly byCall: ReadonlyMap<string, number>;
  readonly captures: number;
  readonly violations: readonly Violation[];
}

/** After so many cuts a fresh installation is taken. */
const CUTS_PER_INSTALLATION = 25;

/** Kills the program at one call after another, starts it again each time, and compares the four ledgers. */
export async function killTraced(options: TracedKillOptions): Promise<TracedKillResult> {
  const byCall = new Map<string, number>();
  const found: Violation[] = [];
  const names = Object.keys(CALLS);
  let captures = 0;
  for (let first = 0; first < options.cuts; first += CUTS_PER_INSTALLATION) {
    const upstream = startUpstream();
    const folder = await Deno.makeTempDir({ prefix: "mailtee-traced-" });
    const installation = await installProgram({ folder, upstream });
    const told: ToldMail[] = [];
    try {
      for (let cut = first; cut < Math.min(first + CUTS_PER_INSTALLATION, options.cuts); cut++) {
        const random = randomSource(options.seed + cut);
        const call = names[cut % names.length] ?? "write";
        const when = 1 + Math.floor(random() * (CALLS[call] ?? 1));
        const where = `seed ${options.seed + cut}, ${call} ${when}`;
        const killed = await killOnce(installation, upstream, {
          call,
          when,
          token: `c${cut}`,
          random,
          told,
          sown: options.sown,
        });
        if (killed) byCall.set(call, (byCall.get(call) ?? 0) + 1);
        found.push(...(await startAgain(installation, upstream, `c${cut}`, told)).map((each) => `${where}: ${each}`));
        const after = await compare(installation, upstream, told);
        found.push(...after.problems.map((each) => `${where}: ${each}`));
        if (cut === options.cuts - 1 || cut === first + CUTS_PER_INSTALLATION - 1) captures += after.captures;
        options.progress?.(cut + 1);
        if (after.problems.length > 0) break;
      }
    } finally {
      await upstream.close();
      await Deno.remove(folder, { recursive: true });
    }
  }
  const fired = [...byCall.values()].reduce((sum, count) => sum + count, 0);
  return { cuts: options.cuts, fired, byCall, captures, violations: found };
}

interface Kill {
  readonly call: string;
  readonly when: number;
  readonly token: string;
  readonly random: () => number;
  readonly told: ToldMail[];
  readonly sown: string | undefined;
}

/** True where the program was killed before it had done all its work. */
async function killOnce(installation: InstalledProgram, upstream: Upstream, kill: Kill): Promise<boolean> {
  const { call, when, token, random, told, sown } = kill;
  const running = await installation.run(sown === undefined ? {} : { sown });
  const strace = startProgram("strace", {
    args: ["-f", "-p", `${running.pid}`, "-e", `trace=${call}`, "-e", `inject=${call}:signal=SIGKILL:when=${when}`],
  });
  try {
    await strace.waitFor((output) => output.includes("attached"));
    await sendLoad(installation, upstream, token, random, told);
    await workDone(installation, running);
  } finally {
    await running.stop("SIGTERM");
    await strace.stop("SIGTERM");
  }
  await upstream.idle();
  return await running.stop() === SIGKILLED;
}

const SIGKILLED = 128 + 9;
const WORK_LIMIT_MS = 5000;

/** Two SMTP clients and one POP3 client at once. */
export async function sendLoad(
  installation: InstalledProgram,
  upstream: Upstream,
  token: string,
  random: () => number,
  told: ToldMail[],
): Promise<void> {
  const mail = (word: string, traits = {}) => makeMail(`${token}-${word}`, random, traits);
  const mailbox = [mail("fetched"), mail("fetched-large", { large: true })];
  upstream.mailbox.splice(0, Infinity, ...mailbox);
  const { smtpPort, pop3Port } = installation;
  const plain = [mail("small"), mail("large", { large: true }), mail("refused"), mail("lost")];
  const pipelined = [mail("p1", { sharedMessageId: true }), mail("p2", { sharedMessageId: true }), mail("p3")];
  await Promise.all([
    sendMails({ port: smtpPort, mails: plain }, told),
    sendMails({ port: smtpPort, mails: pipelined, pipelined: true }, told),
    fetchMails(pop3Port, new Map(mailbox.map((each) => [each.token, each])), told),
  ]);
}

/** Resolves when the archiver has taken all captures, or the program was killed. */
async function workDone({ drop }: InstalledProgram, running: RunningProgram): Promise<void> {
  const deadline = performance.now() + WORK_LIMIT_MS;
  while (!running.ended() && captureCount(drop) > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Captures that wait in a drop folder. */
export function captureCount(drop: string): number {
  return Array.from(Deno.readDirSync(drop)).filter(({ name }) => name.endsWith(".eml")).length;
}

/** The next start has to recover, take mails, and archive everything by itself. */
async function startAgain(
  installation: InstalledProgram,
  upstream: Upstream,
  token: string,
  told: ToldMail[],
): Promise<Violation[]> {
  const running = await installation.run();
  const found: Violation[] = [];
  try {
    const before = told.length;
    const probe = makeMail(`${token}-probe`, () => 0);
    await sendMails({ port: installation.smtpPort, mails: [probe] }, told);
    if (told[before]?.told !== "accepted") found.push(`after the next start a mail is ${told[before]?.told}`);
    await workDone(installation, running);
    const left = captureCount(installation.drop);
    if (left > 0) found.push(`after the next start ${left} captures stay in the drop folder`);
  } catch (error) {
    found.push(`${error}`);
  } finally {
    await running.stop("SIGTERM");
  }
  await upstream.idle();
  return found;
}

async function compare(
  installation: InstalledProgram,
  upstream: Upstream,
  told: readonly ToldMail[],
): Promise<{ captures: number; problems: Violation[] }> {
  const archive = await openArchive(installation.archive);
  try {
    const archived = await readArchived(archive);
    const left = await readCopies(installation.drop);
    const copies = [...archived.copies, ...left.copies];
    const problems = [
      ...await archive.catalog.check(),
      ...archived.disorder,
      ...violations({ told, held: upstream.held, copies, disorder: left.disorder }, "killed"),
    ];
    return { captures: copies.length, problems };
  } finally {
    archive.close();
  }
}

/** All captures of an archive, with their octets from its store, but for those of mails that are `known`. */
export async function readArchived(
  archive: Archive,
  known: ReadonlySet<string> = new Set(),
): Promise<Pick<Ledgers, "copies" | "disorder">> {
  const copies: CopiedMail[] = [];
  const disorder: string[] = [];
  for await (const { sha256 } of archive.catalog.allMails()) {
    if (known.has(sha256)) continue;
    try {
      const content = await archive.store.read(sha256);
      for (const { id, report } of await archive.catalog.captures(sha256)) {
        const { outcome, proxy, smtp } = parseReport(encodeUtf8(JSON.stringify(report)));
        const recipients = smtp?.recipients.map(({ address }) => address) ?? [];
        copies.push({ id, token: tokenOf(content), outcome, kind: proxy.kind, recipients, content });
      }
    } catch (error) {
      disorder.push(errorText(error));
    }
  }
  return { copies, disorder };
}
