/** Faults of a disk under the program as a process: it says no at once, in words, and goes on by itself when they end. */

import { assert, assertEquals, AssertionError, assertMatch, assertRejects } from "@std/assert";
import { dirname, join } from "@std/path";
import { openArchive } from "../../src/archive/archive.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { Wire } from "../../src/demo/wire.ts";
import { openDropWriter } from "../../src/drop/writer.ts";
import { needPeerAsRoot } from "../peers/peer.ts";
import { runOrFail, until } from "../peers/program.ts";
import { smtpStart } from "../unit/drop/samples.ts";
import { sendMails } from "./clients.ts";
import { expectReplies, FINE, recovers, REFUSED, type Stage, whileFailing, withProgram } from "./disk_stage.ts";
import { type InstalledProgram, installProgram } from "./installed_program.ts";
import { archiveViolations, type CopiedMail, readCopies } from "./ledgers.ts";
import { makeImage, mountImage, whyNoLoopMounts } from "./loop_image.ts";
import { makeMail } from "./mails.ts";
import { countConnections, readDescriptors } from "./rest.ts";

const noLoopMounts = await whyNoLoopMounts();
if (noLoopMounts !== null) console.warn(`skipped: ${noLoopMounts}`);

Deno.test("a drop folder that vanishes: refused in words, and taken again when it is back", async () => {
  await withProgram({}, async (stage) => {
    await expectReplies(stage, FINE);
    const aside = join(stage.folder, "aside");
    await Deno.rename(stage.program.drop, aside);
    await expectReplies(stage, REFUSED);
    assertMatch(stage.running.output(), /No copy of a mail can be made, so it isn't delivered: .* isn't there/);
    assertMatch(await stage.program.command("status"), /Drop folder .*: cannot list/);
    await Deno.rename(aside, stage.program.drop);
    await recovers(stage);
  });
});

Deno.test("a drop folder that is removed for good and made anew is used again", async () => {
  await withProgram({}, async (stage) => {
    await Deno.remove(stage.program.drop, { recursive: true });
    await expectReplies(stage, REFUSED);
    await Deno.mkdir(stage.program.drop);
    await recovers(stage);
  });
});

Deno.test("onCaptureFailure: pass delivers without a copy, loudly", async () => {
  await withProgram({ proxy: { onCaptureFailure: "pass" } }, async (stage) => {
    await Deno.remove(stage.program.drop, { recursive: true });
    await expectReplies(stage, FINE);
    assertEquals(stage.upstream.held.length, 1);
    const output = stage.running.output();
    assertEquals(
      output.match(/error .*No copy of a mail can be made; it is delivered without one/g)?.length,
      2,
      output,
    );
  });
});

Deno.test({
  ...needPeerAsRoot("prlimit"),
  name: "no file descriptors left: a mail is refused, a client kept waiting, and both go on when there are some",
  fn: async () => {
    await withProgram({}, async (stage) => {
      await expectReplies(stage, FINE);
      const { pid } = stage.running;
      const sessionsEnded = () =>
        until(() => countConnections(pid) === 0, () => `connections stay open:\n${stage.running.output()}`);
      await sessionsEnded();
      // Enough for the client and the target, not for the copy.
      await allowFiles(stage, 2);
      const first = stage.told.length;
      const mail = makeMail("no-descriptor", Math.random);
      await sendMails({ port: stage.program.smtpPort, mails: [mail] }, stage.told);
      assertEquals(stage.told[first]?.reply.slice(0, 3), "451", stage.running.output());
      assertMatch(stage.running.output(), /so it isn't delivered: .*(?:os error 24|EMFILE)/);
      await sessionsEnded();
      await allowFiles(stage, 0);
      const waiting = sendMails(
        { port: stage.program.smtpPort, mails: [makeMail("waiting", Math.random)] },
        stage.told,
      );
      await until(() => stage.running.output().includes("cannot accept connections"), () => "nobody complained");
      await allowFiles(stage, 1024);
      await waiting;
      assertEquals(stage.told.at(-1)?.told, "accepted", stage.running.output());
      await recovers(stage);
    });
  },
});

/**
 * Lets the program open so many files more. The limit is about their numbers, of which the lowest free one is taken.
 * What it opens for a moment, to write down how it is, has a number that is free.
 */
async function allowFiles({ running: { pid }, folder }: Stage, count: number): Promise<void> {
  const lasting = [...readDescriptors(pid)]
    .filter(([, target]) => target !== folder && !target.includes(".mailtee-run.json"));
  const used = new Set(lasting.map(([number]) => number));
  let limit = 0;
  for (let free = 0; used.has(limit) || free < count; limit++) if (!used.has(limit)) free++;
  await runOrFail("prlimit", { args: ["--pid", `${pid}`, `--nofile=${limit}:8192`] });
}

for (const error of ["EIO", "ENOSPC", "EDQUOT"]) {
  Deno.test({
    ...needPeerAsRoot("strace"),
    name: `a flush that fails with ${error}: refused at once, nothing remains, and the next mail is taken`,
    fn: async () => {
      await withProgram({}, async (stage) => {
        await whileFailing(stage.running.pid, { calls: "fdatasync", error }, () => expectReplies(stage, REFUSED));
        assertEquals(stage.upstream.held, []);
        await recovers(stage);
      });
    },
  });
}

Deno.test({
  ...needPeerAsRoot("strace"),
  name: "the test of flushes that fail notices a program that ignores it",
  fn: async () => {
    await withProgram({}, async (stage) => {
      await whileFailing(stage.running.pid, { calls: "fdatasync", error: "EIO" }, async () => {
        await assertRejects(() => expectReplies(stage, REFUSED), AssertionError);
      });
    }, { launch: { sown: "ignores failed flushes" } });
  },
});

Deno.test({
  ...needPeerAsRoot("strace"),
  name: "a rename that fails with EIO: the mail is accepted, and its copy appears when the fault has ended",
  fn: async () => {
    await withProgram({}, async (stage) => {
      await whileFailing(stage.running.pid, { calls: "/^rename", error: "EIO" }, () => expectReplies(stage, FINE));
      assertMatch(stage.running.output(), /copy .* is safe/i);
      const appeared = async () => (await readCopies(stage.program.drop)).copies.length === 2;
      await until(appeared, () => `the copies stay away:\n${stage.running.output()}`);
    });
  },
});

Deno.test({
  ...needPeerAsRoot("mount"),
  ignore: noLoopMounts !== null,
  name:
    "a disk that fills: refused below the low-water mark, in the middle of a mail too, and taken when there is room",
  fn: async () => {
    await onTmpfs(80, async (drop) => {
      await withProgram({ drop }, async (stage) => {
        await expectReplies(stage, FINE);
        const half = await sendHalf(stage.program.smtpPort);
        const filler = join(drop, ".filler");
        await fill(filler);
        assertMatch(await half.finish(), /^452 4\.3\.1/);
        // How much room there is, is looked at once a second.
        await until(async () => {
          await expectReplies(stage, { ...REFUSED, smtp: /^452 4\.3\.1/ });
          return stage.running.output().includes("less than 64 MiB are free");
        }, () => stage.running.output());
        assertMatch(await stage.program.command("status"), /Less than 64 MiB are free, so proxies take no mail/);
        await Deno.remove(filler);
        await recovers(stage);
      });
    });
  },
});

Deno.test({
  ...needPeerAsRoot("mount"),
  ignore: noLoopMounts !== null,
  name:
    "an archive whose disk is full: said in words, nothing is deleted that isn't archived, and all is archived later",
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "mailtee-full-archive-" });
    try {
      await onTmpfs(4, async (inTmpfs) => {
        const archive = `${inTmpfs}-archive`;
        const upstream = { smtpPort: 1, pop3Port: 1 };
        const program = await installProgram({ folder, upstream, archive, schedule: null });
        const copies = await putLargeCaptures(program.drop, 6);
        const full = await program.command("archive");
        assertMatch(full, /disk is full|No space left|Free some space/i);
        await compareArchive(program, copies);
        await runOrFail("mount", { args: ["-o", "remount,size=64m", dirname(archive)] });
        await program.command("archive");
        assertEquals((await readCopies(program.drop)).copies, []);
        await compareArchive(program, copies);
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Mails of a mebibyte that no compression makes smaller. */
async function putLargeCaptures(drop: string, count: number): Promise<CopiedMail[]> {
  const writer = await openDropWriter(drop);
  const copies: CopiedMail[] = [];
  for (let number = 0; number < count; number++) {
    const noise = Array.from({ length: 16 }, () => crypto.getRandomValues(new Uint8Array(48 * 1024)).toBase64());
    const content = encodeUtf8(`Subject: large-${number}\r\n\r\n${noise.join("\r\n")}\r\n`);
    const recipient = { address: "bert@other.example", params: [], reply: "250 Ok" };
    const capture = writer.begin(smtpStart({ recipients: [recipient] }));
    capture.write(content);
    await capture.seal();
    await capture.commit({ outcome: "accepted", reply: "250 Ok" });
    copies.push({ id: capture.id, token: null, outcome: "accepted", kind: "smtp", recipients: [], content });
  }
  await writer.close();
  return copies;
}

/** Each capture is in the drop folder or whole in the archive, or both. */
async function compareArchive(program: InstalledProgram, copies: readonly CopiedMail[]): Promise<void> {
  const left = new Set((await readCopies(program.drop)).copies.map(({ id }) => id));
  const archive = await openArchive(program.archive, { readOnly: true });
  try {
    const archived = await archive.catalog.archivedCaptures(copies.map(({ id }) => id));
    const gone = copies.filter(({ id }) => !left.has(id) && !archived.has(id));
    assertEquals(gone.map(({ id }) => id), [], "neither here nor there");
    assertEquals(await archiveViolations(archive, copies.filter(({ id }) => archived.has(id))), []);
  } finally {
    archive.close();
  }
}

async function onTmpfs(mebibytes: number, test: (drop: string) => Promise<void>): Promise<void> {
  const drop = await Deno.makeTempDir({ prefix: "mailtee-tmpfs-" });
  await runOrFail("mount", { args: ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", drop] });
  try {
    await test(join(drop, "drop"));
  } finally {
    await runOrFail("umount", { args: [drop] });
    await Deno.remove(drop);
  }
}

/** Takes all the room that there is. */
async function fill(path: string): Promise<void> {
  using file = await Deno.create(path);
  const block = new Uint8Array(64 * 1024);
  try {
    for (;;) await file.write(block);
  } catch (error) {
    if (!String(error).includes("os error 28")) throw error;
  }
}

/** Begins a mail larger than what the program keeps in memory. */
async function sendHalf(port: number): Promise<{ finish(): Promise<string> }> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const wire = new Wire(connection);
  const ask = async (...lines: readonly string[]) => {
    await wire.writeLines(...lines);
    return await wire.readLine() ?? "";
  };
  await wire.readLine();
  for (const line of ["HELO client.example", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"]) {
    await ask(line);
  }
  const block = encodeUtf8(`${"x".repeat(998)}\r\n`.repeat(200));
  await connection.write(encodeUtf8("Subject: half\r\n\r\n"));
  return {
    finish: async () => {
      try {
        for (let written = 0; written < block.length;) written += await connection.write(block.subarray(written));
        return await ask(".");
      } finally {
        connection.close();
      }
    },
  };
}

Deno.test({
  ignore: noLoopMounts !== null,
  name: "a disk that the kernel has switched to read-only: refused in words, and taken when it is mounted anew",
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "mailtee-readonly-" });
    const disk = await makeImage(folder, 160);
    try {
      await runOrFail("mount", { args: ["-o", "remount,errors=remount-ro", disk.path] });
      await withProgram({ drop: join(disk.path, "drop") }, async (stage) => {
        await expectReplies(stage, FINE);
        await breakFileSystem(disk.path);
        await expectReplies(stage, REFUSED);
        assertMatch(stage.running.output(), /so it isn't delivered: .*(?:os error 30|EROFS|[Rr]ead-only)/);
        // As an operator would: away with it, however busy it is, then checked and mounted again.
        await runOrFail("umount", { args: ["-l", disk.path] });
        await expectReplies(stage, REFUSED);
        const copy = join(folder, "checked.img");
        await disk.copy(copy);
        await checked(copy);
        await mountImage(copy, disk.path);
        await recovers(stage);
      }, { ending: "power-cut" });
    } finally {
      await disk.unmount();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Lets ext4 believe that it has found an error. */
async function breakFileSystem(path: string): Promise<void> {
  const { stdout } = await runOrFail("findmnt", { args: ["-n", "-o", "SOURCE", path] });
  const device = decodeUtf8(stdout).trim().replace("/dev/", "");
  await Deno.writeTextFile(`/sys/fs/ext4/${device}/trigger_fs_error`, "1");
}

/** Repairs as `e2fsck -p` does; 1 says that something was repaired. */
async function checked(image: string): Promise<void> {
  const { code } = await new Deno.Command("e2fsck", { args: ["-fy", image], stdout: "null", stderr: "null" }).output();
  assert(code <= 1, `e2fsck ended with ${code}`);
}
