/** Proxies and archivers on several machines, on one drop folder: as one file system, and as mounts of their own. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { openArchive } from "../../src/archive/archive.ts";
import { readLockHolder } from "../../src/base/locks.ts";
import { openDropWriter } from "../../src/drop/writer.ts";
import { needPeerAsRoot } from "../peers/peer.ts";
import { type RunningProgram, until } from "../peers/program.ts";
import { SmtpLineClient } from "../peers/smtp_line_client.ts";
import { randomSource } from "../unit/net/random.ts";
import type { ToldMail } from "./clients.ts";
import { type InstalledProgram, installProgram } from "./installed_program.ts";
import { archiveViolations, readCopies, violations } from "./ledgers.ts";
import { captureCount, readArchived, sendLoad } from "./traced_kill.ts";
import { type Machine, mountShare, type Share, startMachine, whyNoMachines } from "./two_machines.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

const needed = needPeerAsRoot("bindfs", "ip", "nsenter", "strace", "unshare");
const noMachines = needed.ignore ? null : await whyNoMachines();
if (noMachines !== null) console.warn(`skipped: ${noMachines}`);
const ignore = needed.ignore || noMachines !== null;

/** How machines have their drop folder in common. */
type Sharing = "one file system" | "mounts of their own" | "mounts whose locks stay apart";
const SHARINGS: readonly Sharing[] = ["one file system", "mounts of their own"];

interface Site {
  readonly folder: string;
  readonly drop: string;
  readonly archive: string;
  readonly upstream: Upstream;
  /** A program with a config of its own; all have the drop folder and the archive in common. */
  install(name: string): Promise<InstalledProgram>;
  /** Another machine that has the drop folder. */
  machine(name: string): Promise<Machine>;
}

async function onSite(sharing: Sharing, test: (site: Site) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-machines-" });
  const upstream = startUpstream();
  const [source, shared] = [join(folder, "source"), join(folder, "shared")];
  for (const path of [source, shared]) await Deno.mkdir(path);
  const ends: (() => Promise<void>)[] = [];
  const locks = sharing === "mounts whose locks stay apart" ? "each its own" : "shared";
  const mount = async (machine?: Machine): Promise<Share> =>
    sharing === "one file system" ? { end: async () => {} } : await mountShare(source, shared, locks, machine);
  const [drop, archive] = [join(shared, "drop"), join(folder, "archive")];
  try {
    const share = await mount();
    ends.push(() => share.end());
    await test({
      folder,
      drop,
      archive,
      upstream,
      install: async (name) => {
        const place = join(folder, name);
        await Deno.mkdir(place);
        return await installProgram({
          folder: place,
          upstream,
          drop,
          archive,
          schedule: null,
          profiles: ["first", "second"],
        });
      },
      machine: async (name) => {
        const machine = await startMachine(name, mount);
        ends.push(() => machine.end());
        return machine;
      },
    });
  } finally {
    for (const end of ends.reverse()) await end();
    await upstream.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs a profile on a machine to its end. */
async function archiveOn(machine: Machine, program: InstalledProgram, profile: string): Promise<RunningProgram> {
  const running = program.start(["archive", "--profile", profile], { before: machine.enter(program.folder) });
  await until(() => running.ended(), () => `the archiver doesn't end:\n${running.output()}`);
  return running;
}

for (const sharing of SHARINGS) {
  Deno.test({
    ignore,
    name: `proxies here and archivers on two other machines archive each capture once: ${sharing}`,
    fn: async () => {
      await onSite(sharing, async (site) => {
        const program = await site.install("office");
        const machines = [await site.machine("archive-1"), await site.machine("archive-2")];
        const told: ToldMail[] = [];
        const running = await program.run();
        let loaded = false;
        const archiving = machines.map(async (machine, index) => {
          do await archiveOn(machine, program, ["first", "second"][index] ?? ""); while (!loaded);
        });
        try {
          for (let load = 0; load < 4; load++) {
            await sendLoad(program, site.upstream, `m${load}`, randomSource(load), told);
          }
        } finally {
          loaded = true;
          await Promise.all(archiving);
          await running.stop();
        }
        await site.upstream.idle();
        const [first] = machines;
        if (first !== undefined) await archiveOn(first, program, "first");
        await expectSound(site, told);
      });
    },
  });

  Deno.test({
    ignore,
    name: `a start on another machine leaves living writers alone, and recovers what the dead left: ${sharing}`,
    fn: async () => {
      await onSite(sharing, async (site) => {
        const office = await site.install("office");
        const branch = await site.install("branch");
        const machine = await site.machine("branch");
        const running = await office.run();
        const start = () => startAndStop(branch, machine);
        const begun = await beginMail(office.smtpPort);
        await start();
        assertMatch(await begun.say("end of it\r\n.\r\n"), /^250/);
        assertEquals((await readCopies(site.drop)).copies.map(({ outcome }) => outcome), ["accepted"]);
        await begun.say("MAIL FROM:<a@b.example>\r\n");
        await begun.say("RCPT TO:<c@d.example>\r\n");
        await begun.say("DATA\r\n");
        await running.stop("SIGKILL");
        begun.close();
        assertEquals(writerFolders(site.drop).length, 1);
        await start();
        assertEquals(writerFolders(site.drop), []);
        assertEquals((await readCopies(site.drop)).copies.length, 1);
      });
    },
  });
}

Deno.test({
  ignore,
  name:
    "a profile that runs on one machine is refused on another one, which is told where; its death frees the profile",
  fn: async () => {
    await onSite("one file system", async (site) => {
      const program = await site.install("office");
      const [one, two] = [await site.machine("archive-1"), await site.machine("archive-2")];
      await (await openDropWriter(site.drop)).close();
      // The archive is there then: making it would be slow, too, and before the lock.
      await archiveOn(two, program, "first");
      const slow = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=60s"];
      const held = program.start(["archive", "--profile", "first"], {
        before: [...one.enter(program.folder), ...slow],
      });
      const lock = join(site.archive, "profile-first.lock");
      try {
        await held.waitFor(() => readLockHolder(lock)?.host === "archive-1");
        const refused = await archiveOn(two, program, "first");
        assertStringIncludes(refused.output(), "another run of profile first holds the lock");
        assertMatch(refused.output(), /process \d+ on archive-1 since/);
        assertEquals(await refused.stop(), 75);
      } finally {
        Deno.kill(readLockHolder(lock)?.pid ?? held.pid, "SIGKILL");
        await held.stop("SIGKILL");
      }
      const next = await archiveOn(two, program, "first");
      assertEquals(await next.stop(), 0, next.output());
      assertEquals(readLockHolder(lock)?.host, "archive-2");
    });
  },
});

Deno.test({
  ignore,
  name: "where locks stay on each machine, a start on another one gets the mail under way refused, not lost",
  fn: async () => {
    await onSite("mounts whose locks stay apart", async (site) => {
      const office = await site.install("office");
      const branch = await site.install("branch");
      const machine = await site.machine("branch");
      const running = await office.run();
      try {
        const begun = await beginMail(office.smtpPort);
        await startAndStop(branch, machine);
        assertMatch(await begun.say("end of it\r\n.\r\n"), /^451/);
        begun.close();
        assertEquals(site.upstream.held, []);
        // The system remembers for a moment that the folder was there.
        await until(() => isMailTaken(office.smtpPort), () => running.output());
        assertEquals((await readCopies(site.drop)).copies.length, 1);
      } finally {
        await running.stop();
      }
    });
  },
});

async function isMailTaken(port: number): Promise<boolean> {
  const client = await beginMail(port);
  const reply = await client.say("end of it\r\n.\r\n");
  client.close();
  return reply.startsWith("250");
}

/** Starts the program on another machine, which recovers what nobody holds, and stops it. */
async function startAndStop(program: InstalledProgram, machine: Machine): Promise<void> {
  const running = program.start(["run"], { before: machine.enter(program.folder) });
  await running.waitFor((output) => /POP3 proxy .* listens on/.test(output));
  assertEquals(await running.stop(), 0, running.output());
}

/** A session in the middle of a mail; `say` goes on with it. */
async function beginMail(port: number): Promise<SmtpLineClient> {
  const client = await SmtpLineClient.connect(port);
  for (const line of ["HELO pc.example", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"]) {
    await client.say(`${line}\r\n`);
  }
  return client;
}

/** Folders of writers in `.incoming/`, living or dead. */
function writerFolders(drop: string): string[] {
  return Array.from(Deno.readDirSync(join(drop, ".incoming"))).filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name);
}

async function expectSound(site: Site, told: readonly ToldMail[]): Promise<void> {
  const archive = await openArchive(site.archive, { readOnly: true });
  try {
    assertEquals(captureCount(site.drop), 0, "captures stay in the drop folder");
    const { copies, disorder } = await readArchived(archive);
    const left = await readCopies(site.drop);
    const ledgers = { told, held: site.upstream.held, copies, disorder: [...disorder, ...left.disorder] };
    assertEquals(violations(ledgers, "killed"), []);
    assertEquals(await archiveViolations(archive, copies), []);
  } finally {
    archive.close();
  }
}
