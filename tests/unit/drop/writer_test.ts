import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { basename, join } from "@std/path";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { denoFileOps } from "../../../src/base/files.ts";
import { listDropFolder } from "../../../src/drop/folder.ts";
import { readCapture, readMail } from "../../../src/drop/reader.ts";
import type { Settlement } from "../../../src/drop/types.ts";
import { type FileDropWriter, openDropWriter } from "../../../src/drop/writer.ts";
import { systemError } from "../base/faulty_file_ops.ts";
import {
  ACCEPTED,
  captureMail,
  dropNames,
  filesBelow,
  MAIL,
  POSIX,
  smtpStart,
  StillClock,
  unfinished,
  withFolder,
} from "./samples.ts";

Deno.test("openDropWriter() makes the folder and leaves nothing in .incoming when closed", () =>
  withFolder(async (folder) => {
    const drop = join(folder, "drop");
    const writer = await openDropWriter(drop);
    assertEquals(writer.recovery, { committed: [], discarded: 0, failed: [] });
    await captureMail(writer, MAIL);
    assertEquals(unfinished(drop), []);
    await writer.close();
    assertEquals(filesBelow(join(drop, ".incoming")), ["lock"]);
    assertThrows(() => writer.begin(smtpStart()), MailteeError, "was closed");
  }));

Deno.test("openDropWriter() doesn't make folders above the drop folder", () =>
  withFolder(async (folder) => {
    await assertRejects(() => openDropWriter(join(folder, "missing", "drop")), MailteeError, "missing");
  }));

Deno.test("DropWriter.begin() names captures in order when the clock jumps back, and keeps its time in the report", () =>
  withFolder(async (folder) => {
    const clock = new StillClock();
    const writer = await openDropWriter(folder, { clock });
    const paths: string[] = [];
    for (const jump of [0, 3_600_000, -7_200_000, 0, 86_400_000]) {
      clock.time += jump;
      const path = await captureMail(writer, MAIL);
      paths.push(path);
      assertEquals((await readCapture(path)).report.started, new Date(clock.time).toISOString());
    }
    assertEquals(paths.toSorted(), paths);
    assertEquals(new Set(paths).size, paths.length);
    await writer.close();
  }));

Deno.test("DropWriter.begin() takes no mail below the low-water mark, and takes it again above", () =>
  withFolder(async (folder) => {
    const clock = new StillClock();
    let free = 8 * 1024 * 1024 - 1;
    const writer = await openDropWriter(folder, { clock, lowWaterBytes: 8 * 1024 * 1024, freeBytes: () => free });
    const error = assertThrows(() => writer.begin(smtpStart()), MailteeError, "less than 8 MiB are free");
    assertEquals(error.code, "disk-full");
    free++;
    assertThrows(() => writer.begin(smtpStart()), MailteeError);
    clock.elapsedMs += 1000;
    await captureMail(writer, MAIL);
    assertEquals(writer.counters().failed, 2);
    await writer.close();
  }));

Deno.test("DropWriter.begin() measures the free space once a second at most, and does without where it can't", () =>
  withFolder(async (folder) => {
    const clock = new StillClock();
    let measured = 0;
    const freeBytes = () => {
      measured++;
      throw new Error("no such call");
    };
    const writer = await openDropWriter(folder, { clock, freeBytes });
    for (let i = 0; i < 5; i++) writer.begin(smtpStart()).abort();
    assertEquals(measured, 1);
    clock.elapsedMs += 1000;
    writer.begin(smtpStart()).abort();
    assertEquals(measured, 2);
    await writer.close();
  }));

Deno.test("DropWriter.begin() fails in words while the folder is gone, and goes on once it's back", () =>
  withFolder(async (folder) => {
    const drop = join(folder, "drop");
    const writer = await openDropWriter(drop);
    const caught = writer.begin(smtpStart());
    Deno.renameSync(drop, join(folder, "away"));
    const error = assertThrows(() => writer.begin(smtpStart()), MailteeError, `the drop folder ${drop} isn't there`);
    assertStringIncludes(error.hint ?? "", "Mount it");
    await assertRejects(() => caught.seal(), MailteeError);
    caught.abort();
    Deno.renameSync(join(folder, "away"), drop);
    await captureMail(writer, MAIL);
    const lost = writer.begin(smtpStart());
    lost.write(MAIL);
    Deno.removeSync(drop, { recursive: true });
    Deno.mkdirSync(drop);
    await captureMail(writer, MAIL);
    await assertRejects(() => lost.seal(), MailteeError, "vanished");
    lost.abort();
    assertEquals((await dropNames(drop)).length, 1);
    await writer.close();
    assertEquals(filesBelow(join(drop, ".incoming")), ["lock"]);
  }));

Deno.test({
  name: "openDropWriter() keeps files and folders to its account, unless told otherwise",
  ignore: !POSIX,
  fn: () =>
    withFolder(async (folder) => {
      const modes = async (drop: string, options: { fileMode?: number; folderMode?: number }) => {
        const writer = await openDropWriter(drop, options);
        const path = await captureMail(writer, MAIL);
        const long = await captureMail(writer, MAIL, {
          settlement: { outcome: "accepted", reply: "250 ".padEnd(600, "x") },
        });
        await writer.close();
        const paths = [drop, join(drop, ".incoming"), path, long, join(drop, ".incoming", "lock")];
        return paths.map((path) => ((Deno.statSync(path).mode ?? 0) & 0o777).toString(8));
      };
      assertEquals(await modes(join(folder, "own"), {}), ["700", "700", "600", "600", "600"]);
      const shared = await modes(join(folder, "shared"), { fileMode: 0o660, folderMode: 0o770 });
      assertEquals(shared, ["770", "770", "660", "660", "660"]);
    }),
});

Deno.test("openDropWriter() lets several writers share a folder", () =>
  withFolder(async (folder) => {
    const writers: FileDropWriter[] = [];
    for (let i = 0; i < 3; i++) writers.push(await openDropWriter(folder));
    const mails = Array.from({ length: 30 }, (_, i) => encodeUtf8(`Subject: ${i}\r\n\r\n${"x".repeat(i * 500)}`));
    await Promise.all(mails.map((mail, i) => {
      const writer = writers[i % 3];
      assert(writer !== undefined);
      return captureMail(writer, mail);
    }));
    const found = await Promise.all(
      (await listDropFolder(folder)).map(async ({ path }) => readMail(await readCapture(path))),
    );
    assertEquals(found.length, 30);
    assertEquals(new Set(found.map((mail) => mail.length)).size, 30);
    for (const writer of writers) await writer.close();
  }));

Deno.test("DropWriter puts captures in place whose commit failed, once the fault has ended", () =>
  withFolder(async (folder) => {
    const clock = new WaitingClock();
    const renamedBoth = Promise.withResolvers<void>();
    let broken = true;
    let renamed = 0;
    const rename = (from: string, to: string) => {
      if (broken) throw systemError("EIO");
      denoFileOps.rename(from, to);
      if (++renamed === 2) renamedBoth.resolve();
    };
    const writer = await openDropWriter(folder, { clock, ops: { ...denoFileOps, rename } });
    await assertRejects(() => captureMail(writer, MAIL), MailteeError, "injected EIO");
    const long: Settlement = { outcome: "accepted", reply: "250 ".padEnd(600, "x") };
    await assertRejects(() => captureMail(writer, MAIL, { settlement: long }), MailteeError, "injected EIO");
    await clock.wake();
    await clock.asleep();
    assertEquals([await dropNames(folder), writer.counters().setAside], [[], 2]);
    broken = false;
    await clock.wake();
    await renamedBoth.promise;
    await writer.close();
    assertEquals((await dropNames(folder)).length, 2);
    for (const { path } of await listDropFolder(folder)) {
      const file = await readCapture(path);
      assertEquals([file.report.outcome, await readMail(file)], ["accepted", MAIL]);
    }
    const { open, committed, failed, setAside } = writer.counters();
    assertEquals({ open, committed, failed, setAside }, { open: 0, committed: 2, failed: 2, setAside: 0 });
    assertEquals(unfinished(folder), []);
  }));

/** A clock whose sleeper wakes when the test says so. */
class WaitingClock extends StillClock {
  #sleeper = Promise.withResolvers<() => void>();

  override sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    this.#sleeper.resolve(resolve);
    return promise;
  }

  /** Waits for somebody to sleep. */
  async asleep(): Promise<void> {
    await this.#sleeper.promise;
  }

  /** Waits for somebody to sleep, and wakes them. */
  async wake(): Promise<void> {
    const wake = await this.#sleeper.promise;
    this.#sleeper = Promise.withResolvers();
    wake();
  }
}

Deno.test("DropWriter.close() removes what isn't sealed and keeps what is", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    writer.begin(smtpStart()).write(MAIL);
    const sealed = writer.begin(smtpStart());
    sealed.write(MAIL);
    await sealed.seal();
    await writer.close();
    await assertRejects(() => sealed.commit(ACCEPTED), MailteeError, "set-aside");
    sealed.abort();
    assertEquals(unfinished(folder).length, 1);
    const next = await openDropWriter(folder);
    assertEquals(next.recovery.committed.map((path) => basename(path)), await dropNames(folder));
    assertEquals((await dropNames(folder)).length, 1);
    await next.close();
  }));
