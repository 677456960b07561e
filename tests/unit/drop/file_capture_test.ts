import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { basename } from "@std/path";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { denoFileOps } from "../../../src/base/files.ts";
import { readCapture, readMail } from "../../../src/drop/reader.ts";
import { openDropWriter } from "../../../src/drop/writer.ts";
import { FaultyFileOps, systemError } from "../base/faulty_file_ops.ts";
import {
  ACCEPTED,
  bigMail,
  captureMail,
  corpusMails,
  dropNames,
  MAIL,
  pop3Start,
  smtpStart,
  StillClock,
  unfinished,
  withFolder,
  writeInChunks,
} from "./samples.ts";

Deno.test("Capture.commit() makes one file that holds the report and the mail, octet for octet", () =>
  withFolder(async (folder) => {
    const clock = new StillClock();
    const writer = await openDropWriter(folder, { clock });
    const started = smtpStart();
    const inTheMaking = writer.begin(started);
    inTheMaking.write(MAIL);
    assertEquals(inTheMaking.size, MAIL.length);
    await inTheMaking.seal();
    assertEquals(await dropNames(folder), []);
    clock.time += 250;
    const path = await inTheMaking.commit(ACCEPTED);
    assertEquals(basename(path), `20261124T115501123Z-${inTheMaking.id}.eml`);
    assertEquals(await dropNames(folder), [basename(path)]);
    const file = await readCapture(path);
    assertEquals(file.report, {
      version: 1,
      id: inTheMaking.id,
      proxy: started.proxy,
      client: started.client,
      target: started.target,
      started: "2026-11-24T11:55:01.123Z",
      mail: {
        size: MAIL.length,
        sha256: new Uint8Array(await crypto.subtle.digest("SHA-256", MAIL)).toHex(),
        headerSize: MAIL.length - "At noon?\r\n.\r\n..\r\n".length,
      },
      smtp: { ...started.smtp, reply: "250 2.0.0 Ok: queued as 4F3C" },
      outcome: "accepted",
      finished: "2026-11-24T11:55:01.373Z",
    });
    assertEquals(await readMail(file), MAIL);
    assertEquals(writer.counters(), {
      open: 0,
      committed: 1,
      failed: 0,
      setAside: 0,
      bytes: MAIL.length,
      directoryFlushes: 2,
    });
    await writer.close();
  }));

Deno.test("Capture.commit() writes what POP3 tells", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const path = await captureMail(writer, MAIL, {
      start: pop3Start({ uidl: null }),
      settlement: { outcome: "retrieved" },
    });
    const { report } = await readCapture(path);
    assertEquals(report.pop3, { user: "m12345-1", uidl: null, messageNumber: 3 });
    assertEquals([report.smtp, report.outcome], [undefined, "retrieved"]);
    await writer.close();
  }));

Deno.test("Capture.commit() keeps a mail whose answer was lost as unknown", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const { report } = await readCapture(await captureMail(writer, MAIL, { settlement: { outcome: "unknown" } }));
    assertEquals([report.outcome, report.smtp?.reply], ["unknown", null]);
    assert(report.finished !== null);
    await writer.close();
  }));

Deno.test("Capture.commit() finds room for long replies and for recipients that changed", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const reply = Array.from({ length: 50 }, (_, line) => `250-line ${line} of a reply that goes on and on`).join("\n");
    const big = bigMail(700_000);
    const long = await readCapture(await captureMail(writer, big, { settlement: { outcome: "accepted", reply } }));
    assertEquals([long.report.smtp?.reply, long.report.outcome], [reply, "accepted"]);
    assertEquals(await readMail(long), big);

    const accepted = [{ address: "b@x.example", params: [], reply: "250 Ok" }];
    const rejected = [{ address: "a@x.example", params: [], reply: "452 4.2.2 Full" }];
    const path = await captureMail(writer, MAIL, {
      settlement: { outcome: "accepted", reply: "250 Ok", recipients: accepted, rejectedRecipients: rejected },
    });
    const mixed = await readCapture(path);
    assertEquals(mixed.report.smtp?.recipients, accepted);
    assertEquals(mixed.report.smtp?.rejectedRecipients, rejected);
    assertEquals(Deno.readTextFileSync(path).match(/^Recipient: .*$/gm), ["Recipient: b@x.example"]);
    assertEquals(await readMail(mixed), MAIL);
    assertEquals([(await dropNames(folder)).length, unfinished(folder)], [2, []]);
    await writer.close();
  }));

Deno.test("Capture.write() takes mails of every size in chunks of every size", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const sizes = [0, 1, 65535, 65536, 65537, 300_000];
    for (const size of sizes) {
      const mail = bigMail(size);
      for (const chunkSize of size > 10 ? [997, 16 * 1024, 65536, 1 << 20] : [1]) {
        const file = await readCapture(await captureMail(writer, mail, { chunkSize }));
        assertEquals(await readMail(file), mail, `${size} in chunks of ${chunkSize}`);
      }
    }
    await writer.close();
  }));

Deno.test("Capture.write() keeps the order of small and large chunks", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const sizes = [70_000, 10, 20_000, 5, 6, 16_384, 100, 65_536, 16_383, 1, 40_000];
    const mail = bigMail(sizes.reduce((sum, size) => sum + size, 0));
    const capture = writer.begin(smtpStart());
    let offset = 0;
    for (const size of sizes) capture.write(mail.subarray(offset, offset += size));
    await capture.seal();
    assertEquals(await readMail(await readCapture(await capture.commit(ACCEPTED))), mail);
    await writer.close();
  }));

Deno.test("Capture.write() takes a header longer than it keeps in memory", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const long = encodeUtf8(
      `Subject: first\r\n${"X-Filler: 0123456789\r\n".repeat(8000)}Message-ID: <late@x>\r\n\r\nbody`,
    );
    const path = await captureMail(writer, long, { chunkSize: 1000 });
    const file = await readCapture(path);
    assertEquals(file.report.mail.headerSize, long.length - 4);
    assertStringIncludes(Deno.readTextFileSync(path).slice(0, 600), "\r\nSubject: first\r\n");
    assertEquals(await readMail(file), long);
    await writer.close();
  }));

Deno.test("Capture round trip of every mail of the corpus", async (test) => {
  const mails = corpusMails();
  await test.step({
    name: `${mails.size} mails come back octet for octet`,
    ignore: mails.size === 0,
    fn: () =>
      withFolder(async (folder) => {
        const writer = await openDropWriter(folder);
        await Promise.all(Array.from(mails, async ([name, mail]) => {
          const file = await readCapture(await captureMail(writer, mail));
          assertEquals(await readMail(file), mail, name);
        }));
        assertEquals((await dropNames(folder)).length, mails.size);
        await writer.close();
      }),
  });
});

Deno.test("Capture.abort() leaves nothing, whenever it comes", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    writer.begin(smtpStart()).abort();
    const written = writer.begin(smtpStart());
    written.write(bigMail(100_000));
    written.abort();
    written.abort();
    const sealing = writer.begin(smtpStart());
    sealing.write(MAIL);
    const seal = sealing.seal();
    sealing.abort();
    await assertRejects(() => seal, MailteeError, "aborted");
    const sealed = writer.begin(smtpStart());
    await sealed.seal();
    sealed.abort();
    await assertRejects(() => sealed.commit(ACCEPTED), MailteeError, "aborted");
    assertThrows(() => sealed.write(MAIL), MailteeError, "aborted");
    assertEquals([await dropNames(folder), unfinished(folder)], [[], []]);
    assertEquals(writer.counters().open, 0);
    const committed = writer.begin(smtpStart());
    await committed.seal();
    const path = await committed.commit(ACCEPTED);
    committed.abort();
    assertEquals(await dropNames(folder), [basename(path)]);
    const committing = writer.begin(smtpStart());
    await committing.seal();
    const commit = committing.commit({ outcome: "accepted", reply: "250 ".padEnd(1000, "x") });
    committing.abort();
    const last = await commit;
    assertEquals(await dropNames(folder), [basename(path), basename(last)]);
    await writer.close();
  }));

Deno.test("Capture methods refuse to be called out of turn", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const early = writer.begin(smtpStart());
    await assertRejects(() => early.commit(ACCEPTED), MailteeError, "is writing, not sealed");
    await early.seal();
    await assertRejects(() => early.seal(), MailteeError, "is sealed, not writing");
    assertThrows(() => early.write(MAIL), MailteeError, "is sealed, not writing");
    await early.commit(ACCEPTED);
    await assertRejects(() => early.commit(ACCEPTED), MailteeError, "is committed, not sealed");
    await writer.close();
  }));

Deno.test("Capture.seal() rejects where others have taken the file away", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const capture = writer.begin(smtpStart());
    capture.write(MAIL);
    for (const name of unfinished(folder)) await Deno.remove(`${folder}/.incoming/${name}`);
    const error = await assertRejects(() => capture.seal(), MailteeError, "vanished");
    assertEquals(error.code, "io");
    capture.abort();
    await captureMail(writer, MAIL);
    await writer.close();
    assertEquals((await dropNames(folder)).length, 1);
  }));

Deno.test("Capture.seal() resolves after the data flush and a directory flush that began after the file was there", () =>
  withFolder(async (folder) => {
    const ops = new FaultyFileOps();
    const writer = await openDropWriter(folder, { ops });
    ops.steps.length = 0;
    const small = writer.begin(smtpStart());
    small.write(MAIL);
    await small.seal();
    const sealed = ops.steps.map((step) => step.replace(/ \S*\/\S*$/, "").replace(/^write \d+$/, "write"));
    assertEquals(sealed.slice(0, 4), ["create", "write", "syncData", "syncDirectory"]);
    assertEquals(sealed.slice(4).sort(), ["done syncData", "done syncDirectory"]);
    ops.steps.length = 0;
    await small.commit(ACCEPTED);
    assertEquals(ops.steps.map((step) => step.split(" ").slice(0, -1).join(" ")), ["write 512", "rename"]);
    await writer.close();
  }));

Deno.test("Capture.commit() makes a file that is written anew durable before the sealed one goes", () =>
  withFolder(async (folder) => {
    const ops = new FaultyFileOps();
    const writer = await openDropWriter(folder, { ops });
    const capture = writer.begin(smtpStart());
    await capture.seal();
    ops.steps.length = 0;
    await capture.commit({ outcome: "accepted", reply: "250 ".padEnd(600, "x") });
    const steps = ops.steps.map((step) => step.replace(/ (?:\d+ )?\S*?(\.\w+)?$/, " $1").trim());
    const flushed = ["done syncData .settled", "done syncDirectory"].map((step) =>
      steps.findIndex((s) => s.startsWith(step))
    );
    const removed = steps.indexOf("remove .part");
    assert(flushed.every((at) => at >= 0 && at < removed), steps.join(", "));
    assertEquals(steps.slice(removed), ["remove .part", "rename .settled"]);
    await writer.close();
  }));

Deno.test("Capture.seal() shares directory flushes between captures", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const before = writer.counters().directoryFlushes;
    const captures = Array.from({ length: 32 }, () => writer.begin(smtpStart()));
    for (const capture of captures) capture.write(MAIL);
    await Promise.all(captures.map((capture) => capture.seal()));
    const flushes = writer.counters().directoryFlushes - before;
    assert(flushes <= 2, `${flushes} flushes for 32 captures`);
    await Promise.all(captures.map((capture) => capture.commit(ACCEPTED)));
    assertEquals((await dropNames(folder)).length, 32);
    await writer.close();
  }));

Deno.test("Capture.write() goes on after short writes, and dies of a full disk for good", () =>
  withFolder(async (folder) => {
    const mail = bigMail(200_000);
    const short = { ...denoFileOps, create: (path: string, mode: number) => narrowed(path, mode, 1000, Infinity) };
    const writer = await openDropWriter(folder, { ops: short });
    assertEquals(await readMail(await readCapture(await captureMail(writer, mail))), mail);
    await writer.close();

    const full = { ...denoFileOps, create: (path: string, mode: number) => narrowed(path, mode, 1000, 100_000) };
    const second = await openDropWriter(folder, { ops: full });
    const dead = second.begin(smtpStart());
    const error = assertThrows(() => writeInChunks(dead, mail, 8192), MailteeError, "injected ENOSPC");
    assertEquals(error.code, "disk-full");
    await assertRejects(() => dead.seal(), MailteeError, "is failed");
    await assertRejects(() => dead.commit(ACCEPTED), MailteeError, "is failed");
    dead.abort();
    assertEquals([(await dropNames(folder)).length, unfinished(folder)], [1, []]);
    assertEquals(second.counters().failed, 1);
    await second.close();
  }));

/** A real file that takes so many bytes per write, and so many in all. */
function narrowed(path: string, mode: number, perWrite: number, room: number) {
  const file = denoFileOps.create(path, mode);
  let left = room;
  return {
    write(bytes: Uint8Array): number {
      if (left === 0) throw systemError("ENOSPC");
      const count = file.write(bytes.subarray(0, Math.min(perWrite, left)));
      left -= count;
      return count;
    },
    seek: (offset: number) => file.seek(offset),
    truncate: () => file.truncate(),
    syncData: () => file.syncData(),
    close: () => file.close(),
  };
}
