/** Power cuts on a real file system: the program works on an ext4 image, which is copied as it is, and started again. */

import { join } from "@std/path";
import { openArchive } from "../../src/archive/archive.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openDropWriter } from "../../src/drop/writer.ts";
import { runProfile } from "../../src/ingest/run_profile.ts";
import type { RunningProgram } from "../peers/program.ts";
import { memoryFolder } from "../unit/drop/samples.ts";
import { randomSource } from "../unit/net/random.ts";
import type { ToldMail } from "./clients.ts";
import { EVERYBODY, type InstalledProgram, installProgram } from "./installed_program.ts";
import { archiveViolations, readCopies, type Violation, violations } from "./ledgers.ts";
import { type LoopImage, makeImage, mountImage } from "./loop_image.ts";
import { readArchived, sendLoad } from "./traced_kill.ts";
import { type HeldMail, startUpstream, type Upstream } from "./upstream.ts";

export interface ImageCutOptions {
  readonly seed: number;
  readonly cuts: number;
  /** A bug of `sown_program.ts`. */
  readonly sown?: string;
  readonly progress?: (done: number) => void;
}

export interface ImageCutResult {
  readonly cuts: number;
  /** Copies that were made while mails were under way. */
  readonly fired: number;
  readonly captures: number;
  readonly violations: readonly Violation[];
}

/** After so many cuts a fresh image is taken. */
const CUTS_PER_IMAGE = 25;
const IMAGE_MEBIBYTES = 160;
/** After so long without news a stopped program has nothing more to say. */
const QUIET_MS = 25;

/** Cuts the power of one image after another. The program is stopped while its image is copied: it can't go on. */
export async function cutImages(options: ImageCutOptions): Promise<ImageCutResult> {
  const found: Violation[] = [];
  let captures = 0;
  let fired = 0;
  for (let first = 0; first < options.cuts; first += CUTS_PER_IMAGE) {
    const folder = await Deno.makeTempDir({ prefix: "mailtee-image-" });
    // In memory, images are copied fast; mounted there, compiled programs may not read them.
    const images = await Deno.makeTempDir({ prefix: "mailtee-image-", ...(memoryFolder && { dir: memoryFolder }) });
    const upstream = startUpstream();
    const disk = await makeImage(images, IMAGE_MEBIBYTES, join(folder, "disk"));
    try {
      const installation = await installProgram({
        folder,
        upstream,
        drop: join(disk.path, "drop"),
        archive: join(disk.path, "archive"),
      });
      const running = await installation.run(options.sown === undefined ? {} : { sown: options.sown });
      const told: ToldMail[] = [];
      try {
        for (let cut = first; cut < Math.min(first + CUTS_PER_IMAGE, options.cuts); cut++) {
          const seed = options.seed + cut;
          const at = { folder, images, disk, installation, running, upstream, told, seed };
          const result = await cutOnce(at);
          captures += result.captures;
          if (result.underWay) fired++;
          found.push(...result.problems.map((problem) => `seed ${seed}: ${problem}`));
          options.progress?.(cut + 1);
        }
      } finally {
        await running.stop("SIGKILL");
      }
    } finally {
      await upstream.close();
      await disk.unmount();
      for (const each of [folder, images]) await Deno.remove(each, { recursive: true });
    }
  }
  return { cuts: options.cuts, fired, captures, violations: found };
}

interface Scene {
  readonly folder: string;
  readonly images: string;
  readonly disk: LoopImage;
  readonly installation: InstalledProgram;
  readonly running: RunningProgram;
  readonly upstream: Upstream;
  readonly told: ToldMail[];
  readonly seed: number;
}

async function cutOnce(scene: Scene): Promise<{ captures: number; underWay: boolean; problems: Violation[] }> {
  const { folder, images, disk, installation, running, upstream, told, seed } = scene;
  const random = randomSource(seed);
  let done = false;
  const load = sendLoad(installation, upstream, `i${seed}`, random, told).then(() => done = true);
  // The cut comes somewhere in the load, or while the archiver takes what it has left.
  await new Promise((resolve) => setTimeout(resolve, random() * 600));
  const copy = join(images, "cut.img");
  Deno.kill(running.pid, "SIGSTOP");
  let books: { told: ToldMail[]; held: HeldMail[] };
  let underWay: boolean;
  try {
    await quiet(told, upstream);
    books = { told: told.map((each) => ({ ...each })), held: [...upstream.held] };
    underWay = !done;
    await disk.copy(copy);
  } finally {
    Deno.kill(running.pid, "SIGCONT");
  }
  const after = await mountImage(copy, join(folder, "cut"));
  try {
    return { ...await startOn(after.path, books), underWay };
  } finally {
    await after.unmount();
    await Deno.remove(copy);
    await load;
  }
}

/** What the program wrote before it was stopped arrives. */
async function quiet(told: readonly ToldMail[], upstream: Upstream): Promise<void> {
  const news = () => JSON.stringify([told.map((each) => each.told), upstream.held.length]);
  for (let before = ""; before !== news();) {
    before = news();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
}

/** Recovers what is on a disk, archives it, and compares. */
async function startOn(
  disk: string,
  books: { readonly told: readonly ToldMail[]; readonly held: readonly HeldMail[] },
): Promise<{ captures: number; problems: Violation[] }> {
  const drop = join(disk, "drop");
  const writer = await openDropWriter(drop);
  const failed = writer.recovery.failed.map(({ path, reason }) => `recovery failed: ${path}: ${reason}`);
  await writer.close();
  const archive = await openArchive(join(disk, "archive"));
  try {
    const damages = await archive.catalog.check();
    const left = await readCopies(drop);
    const before = await readArchived(archive);
    const known = new Set(before.copies.map(({ id }) => id));
    const copies = [...before.copies, ...left.copies.filter(({ id }) => !known.has(id))];
    const profile = { name: "all", dropFolder: drop, deleteArchived: true, deleteUnassigned: false };
    const signal = new AbortController().signal;
    const run = await runProfile({ profile, archive, users: EVERYBODY, clock: systemClock, signal });
    const problems = [
      ...damages,
      ...failed,
      ...before.disorder,
      ...run.notArchived.map(({ file, reason }) => `${file} isn't archived: ${reason}`),
      ...violations({ ...books, copies, disorder: left.disorder }, "power-cut"),
      ...await archiveViolations(archive, copies),
    ];
    return { captures: copies.length, problems };
  } finally {
    archive.close();
  }
}
