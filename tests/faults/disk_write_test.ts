/** Writes that the disk refuses, for captures and for the archive: no promise is broken, and the next attempt goes on. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { openArchive } from "../../src/archive/archive.ts";
import { verifyArchive } from "../../src/archive/verify.ts";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { openDropWriter } from "../../src/drop/writer.ts";
import { needPeerAsRoot } from "../peers/peer.ts";
import { type RunningProgram, runOrFail, until } from "../peers/program.ts";
import { SmtpLineClient } from "../peers/smtp_line_client.ts";
import { ACCEPTED, captureMail, smtpStart } from "../unit/drop/samples.ts";
import { recovers, straceArguments, type SystemFault, whileFailing, withProgram } from "./disk_stage.ts";
import { type InstalledProgram, installProgram } from "./installed_program.ts";
import { readCopies } from "./ledgers.ts";

const WRITES = "write,pwrite64";
const SMALL = "a line\r\n";
const LARGE = `${"x".repeat(76)}\r\n`.repeat(4000);

const REFUSALS = [
  { error: "EIO", size: "small", body: SMALL },
  { error: "EIO", size: "large", body: LARGE },
  { error: "EDQUOT", size: "small", body: SMALL },
];

for (const { error, size, body } of REFUSALS) {
  Deno.test({
    ...needPeerAsRoot("strace"),
    name: `a write of a capture that fails with ${error}: refused, nothing remains, the next is taken: ${size}`,
    fn: async () => {
      await withProgram({}, async (stage) => {
        const client = await SmtpLineClient.connect(stage.program.smtpPort);
        for (const line of ["EHLO pc.example", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"]) {
          await client.say(`${line}\r\n`);
        }
        const [path = "", ...others] = partFiles(stage.program.drop);
        assertEquals(others, []);
        await whileFailing(stage.running.pid, { calls: WRITES, error, path }, async () => {
          assertMatch(await client.say(`Subject: try-unwritten\r\n\r\n${body}.\r\n`), /^45[12] 4\.3/);
        });
        client.close();
        assertMatch(stage.running.output(), /so it isn't delivered: cannot write capture/);
        assertEquals(stage.upstream.held, []);
        assertEquals(partFiles(stage.program.drop), []);
        await recovers(stage);
      });
    },
  });
}

/** Captures in the making. */
function partFiles(drop: string): string[] {
  const incoming = join(drop, ".incoming");
  return Array.from(Deno.readDirSync(incoming)).filter(({ isDirectory }) => isDirectory).flatMap(({ name }) =>
    Array.from(Deno.readDirSync(join(incoming, name)), (file) => join(incoming, name, file.name))
  ).filter((path) => path.endsWith(".part"));
}

interface Office {
  readonly program: InstalledProgram;
  /** Puts a capture into the drop folder. */
  capture(subject: string): Promise<void>;
  /** Runs the profile to its end, with a fault or without one. */
  archive(fault?: SystemFault, sown?: string): Promise<RunningProgram>;
  /** How many captures are archived, and that all of them are sound. */
  archived(): Promise<number>;
}

/** An archive that has one mail, and a drop folder; no proxies run. */
async function inOffice(test: (office: Office) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-unwritten-" });
  try {
    const program = await installProgram({ folder, upstream: { smtpPort: 1, pop3Port: 1 }, schedule: null });
    const office: Office = {
      program,
      capture: async (subject) => {
        const writer = await openDropWriter(program.drop);
        const recipient = { address: "bert@other.example", params: [], reply: "250 Ok" };
        const content = encodeUtf8(`Subject: ${subject}\r\n\r\nText of ${subject}\r\n`);
        await captureMail(writer, content, { start: smtpStart({ recipients: [recipient] }), settlement: ACCEPTED });
        await writer.close();
      },
      archive: async (fault, sown) => {
        const before = fault === undefined ? [] : ["strace", ...straceArguments(fault)];
        const running = program.start(["archive"], { before, ...(sown === undefined ? {} : { sown }) });
        await until(() => running.ended(), () => `the archiver doesn't end:\n${running.output()}`);
        if (fault !== undefined) assert(running.output().includes("(INJECTED)"), "the fault didn't come");
        return running;
      },
      archived: async () => {
        const archive = await openArchive(program.archive, { readOnly: true });
        try {
          for await (const event of verifyArchive(archive)) assert(event.kind !== "damage", JSON.stringify(event));
          return (await archive.catalog.totals()).captures;
        } finally {
          archive.close();
        }
      },
    };
    await office.capture("first");
    assertEquals(await (await office.archive()).stop(), 0);
    await test(office);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A run met a fault: it says so and is to be tried again, has deleted nothing, and the next one archives all. */
async function expectRefusedThenDone(office: Office, run: RunningProgram, words: RegExp): Promise<void> {
  assertMatch(run.output(), words);
  assertEquals(await run.stop(), 75);
  assertEquals((await readCopies(office.program.drop)).copies.length, 1);
  assertEquals(await office.archived(), 1);
  const next = await office.archive();
  assertEquals(await next.stop(), 0, next.output());
  assertEquals((await readCopies(office.program.drop)).copies, []);
  assertEquals(await office.archived(), 2);
}

Deno.test({
  ...needPeerAsRoot("strace"),
  name: "a write of the archive's content that fails with EIO: said in words, and archived by the next run",
  fn: async () => {
    await inOffice(async (office) => {
      await office.capture("second");
      const path = join(office.program.archive, "store", "incoming", "0-0-0-0-0.tmp");
      const run = await office.archive({ calls: WRITES, error: "EIO", path }, "names temporary files alike");
      await expectRefusedThenDone(office, run, /interrupted: .*store.*os error 5/);
    });
  },
});

Deno.test({
  ...needPeerAsRoot("strace"),
  name: "a write of the catalog that fails with EIO: said in words, and archived by the next run",
  fn: async () => {
    await inOffice(async (office) => {
      await office.capture("second");
      const path = catalogLog(office.program);
      const run = await office.archive({ calls: "pwrite64", error: "EIO", path, when: "1+" });
      await expectRefusedThenDone(office, run, /catalog\.sqlite: disk I\/O error/);
    });
  },
});

Deno.test({
  ...needPeerAsRoot("strace"),
  name:
    "a disk that is full when a run ends: what was done is told, the run log says interrupted, the next run goes on",
  fn: async () => {
    await inOffice(async (office) => {
      await office.capture("second");
      const path = catalogLog(office.program);
      const last = await countWrites(office.program, path);
      const run = await office.archive({ calls: "pwrite64", error: "ENOSPC", path, when: `${last}+` });
      assertMatch(run.output(), /Profile all: 1 found, 1 archived, 1 deleted/);
      assertMatch(run.output(), /interrupted: .* can't be kept in the archive: .*database or disk is full/);
      assertEquals(await run.stop(), 75);
      assertEquals((await readCopies(office.program.drop)).copies, []);
      assertMatch(await office.program.command("runs"), /all +interrupted/);
      assertEquals(await office.archived(), 2);
      const next = await office.archive();
      assertMatch(next.output(), /Profile all: 0 found/);
      assertEquals(await next.stop(), 0);
    });
  },
});

/** SQLite's write-ahead log. */
function catalogLog({ archive }: InstalledProgram): string {
  return join(archive, "catalog.sqlite-wal");
}

/** How often a run writes to a file. What the run did is taken back. */
async function countWrites(program: InstalledProgram, path: string): Promise<number> {
  const aside = `${program.folder}-aside`;
  await runOrFail("cp", { args: ["-a", program.folder, aside] });
  const watched = program.start(["archive"], { before: ["strace", "-f", "-P", path, "-e", "trace=pwrite64"] });
  await until(() => watched.ended(), () => `the archiver doesn't end:\n${watched.output()}`);
  for (const folder of [program.drop, program.archive]) await Deno.remove(folder, { recursive: true });
  await runOrFail("cp", { args: ["-a", `${aside}/.`, program.folder] });
  await Deno.remove(aside, { recursive: true });
  return watched.output().match(/pwrite64\(/g)?.length ?? 0;
}
