/** Two archivers on one drop folder, each killed at a system call, again and again: what they leave is an archive. */

import { createHash } from "node:crypto";
import { openArchive } from "../../src/archive/archive.ts";
import { verifyArchive } from "../../src/archive/verify.ts";
import { openDropWriter } from "../../src/drop/writer.ts";
import { smtpStart } from "../unit/drop/samples.ts";
import { randomSource } from "../unit/net/random.ts";
import { type InstalledProgram, installProgram } from "./installed_program.ts";
import { archiveViolations, type CopiedMail, readCopies, type Violation } from "./ledgers.ts";
import { makeMail } from "./mails.ts";

/** Calls of the archiver that change a disk, and how often one of its threads makes them, roughly. */
const CALLS: Readonly<Record<string, number>> = {
  pwrite64: 60,
  write: 12,
  rename: 6,
  unlink: 6,
  mkdir: 8,
  fsync: 6,
  fdatasync: 4,
  ftruncate: 3,
};

const PROFILES = ["all", "other"];
const CAPTURES_PER_CUT = 6;

export interface ArchiveKillOptions {
  readonly seed: number;
  /** Rounds, in each of which both archivers are to be killed. */
  readonly cuts: number;
  /** A bug of `sown_program.ts`; then nobody is killed. */
  readonly sown?: string;
  readonly progress?: (done: number) => void;
}

export interface ArchiveKillResult {
  readonly cuts: number;
  /** Rounds in which at least one was killed. */
  readonly fired: number;
  readonly captures: number;
  readonly violations: readonly Violation[];
}

export async function killArchivers(options: ArchiveKillOptions): Promise<ArchiveKillResult> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-archivers-" });
  const found: Violation[] = [];
  const copies: CopiedMail[] = [];
  let fired = 0;
  try {
    const upstream = { smtpPort: 1, pop3Port: 1 };
    const program = await installProgram({ folder, upstream, schedule: null, profiles: PROFILES });
    for (let cut = 0; cut < options.cuts; cut++) {
      const random = randomSource(options.seed + cut);
      copies.push(...await addCaptures(program.drop, cut, random));
      const ends = await Promise.all(PROFILES.map((profile) => runKilled(program, profile, random, options.sown)));
      if (ends.some(({ killed }) => killed)) fired++;
      const where = ends.map(({ where }) => where).join(" and ");
      found.push(...(await check(program)).map((each) => `seed ${options.seed + cut}, ${where}: ${each}`));
      options.progress?.(cut + 1);
    }
    await program.start(["archive", "--profile", "all"]).end;
    const archive = await openArchive(program.archive);
    try {
      found.push(...await archiveViolations(archive, copies));
    } finally {
      archive.close();
    }
    const left = await readCopies(program.drop);
    found.push(...left.disorder, ...left.copies.map(({ id }) => `${id} stays in the drop folder`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return { cuts: options.cuts, fired, captures: copies.length, violations: found };
}

/** Some captures; two of them with the same mail. */
async function addCaptures(drop: string, cut: number, random: () => number): Promise<CopiedMail[]> {
  const writer = await openDropWriter(drop);
  const copies: CopiedMail[] = [];
  const recipient = { address: "bert@other.example", params: [], reply: "250 Ok" };
  for (let number = 0; number < CAPTURES_PER_CUT; number++) {
    const { token, normalized } = makeMail(`a${cut}-${Math.max(1, number)}`, () => 0, { large: number === 2 });
    const capture = writer.begin(smtpStart({ mailFrom: "anna@company.example", recipients: [recipient] }));
    capture.write(normalized);
    await capture.seal();
    await capture.commit({ outcome: random() < 0.5 ? "accepted" : "unknown", reply: "250 Ok" });
    copies.push({ id: capture.id, token, outcome: "accepted", kind: "smtp", recipients: [], content: normalized });
  }
  await writer.close();
  return copies;
}

async function runKilled(
  program: InstalledProgram,
  profile: string,
  random: () => number,
  sown: string | undefined,
): Promise<{ killed: boolean; where: string }> {
  const names = Object.keys(CALLS);
  const call = names[Math.floor(random() * names.length)] ?? "write";
  const when = 1 + Math.floor(random() * (CALLS[call] ?? 1));
  const running = program.start(["archive", "--profile", profile], {
    ...(sown === undefined
      ? { before: ["strace", "-f", "-e", `trace=${call}`, "-e", `inject=${call}:signal=SIGKILL:when=${when}`] }
      : { sown }),
  });
  await running.end;
  return { killed: running.output().includes("killed by SIGKILL"), where: `${profile} at ${call} ${when}` };
}

/** Catalog and store agree, and nothing is damaged, whatever was under way. */
async function check(program: InstalledProgram): Promise<Violation[]> {
  const found: Violation[] = [];
  const archive = await openArchive(program.archive);
  try {
    for await (const event of verifyArchive(archive)) if (event.kind === "damage") found.push(event.damage.reason);
    const left = await readCopies(program.drop);
    const archived = await archive.catalog.archivedCaptures(left.copies.map(({ id }) => id));
    for (const { id, content } of left.copies) {
      const known = archived.get(id);
      const sha256 = createHash("sha256").update(content).digest("hex");
      if (known !== undefined && known !== sha256) found.push(`${id} is archived with another mail`);
    }
    found.push(...left.disorder);
  } finally {
    archive.close();
  }
  return found;
}
