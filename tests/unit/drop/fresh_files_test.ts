import { assertEquals, assertRejects } from "@std/assert";
import { basename } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { FreshFiles } from "../../../src/drop/fresh_files.ts";
import { openDropWriter } from "../../../src/drop/writer.ts";
import { FaultyFileOps, systemError } from "../base/faulty_file_ops.ts";
import { captureMail, dropNames, filesBelow, MAIL, smtpStart, unfinished, withFolder } from "./samples.ts";

function filesIn(folder: string, options: { readonly ops?: FaultyFileOps; readonly flush?: () => Promise<void> } = {}) {
  const { ops = new FaultyFileOps(), flush = () => Promise.resolve() } = options;
  return new FreshFiles({ folder, ops, mode: 0o600, flush });
}

Deno.test("FreshFiles.take() makes so many files as are wanted, and gives each once", () =>
  withFolder(async (folder) => {
    const files = filesIn(folder);
    const taken = ["A", "B", "C", "D"].map((stem) => files.take(stem, ".part", 3));
    assertEquals(taken.map(({ path }) => basename(path)), ["A.part", "A-2.part", "A-3.part", "D.part"]);
    assertEquals(filesBelow(folder), ["A-2.part", "A-3.part", "A.part", "D-2.part", "D-3.part", "D.part"]);
    files.discard();
    assertEquals(filesBelow(folder), ["A-2.part", "A-3.part", "A.part", "D.part"]);
    for (const { file } of taken) file.close();
    await Promise.resolve();
  }));

Deno.test("FreshFile.findable() shares one flush among the files that were made together", () =>
  withFolder(async (folder) => {
    let flushes = 0;
    const files = filesIn(folder, { flush: () => Promise.resolve(void flushes++) });
    const taken = ["A", "B", "C"].map((stem) => files.take(stem, ".part", 2));
    for (const { findable } of taken) await findable();
    assertEquals(flushes, 2);
    files.discard();
    for (const { file } of taken) file.close();
  }));

Deno.test("FreshFile.findable() rejects for all files of a flush that failed, and no file of it is given any more", () =>
  withFolder(async (folder) => {
    let flushes = 0;
    const files = filesIn(folder, { flush: () => Promise.reject(systemError(++flushes === 1 ? "EIO" : "EROFS")) });
    const [first, second] = ["A", "B"].map((stem) => files.take(stem, ".part", 3));
    for (const fresh of [first, second]) await assertRejects(async () => await fresh?.findable(), Error, "EIO");
    const third = files.take("C", ".part", 1);
    assertEquals(basename(third.path), "C.part");
    for (const fresh of [first, second, third]) fresh?.file.close();
  }));

Deno.test("FreshFile.findable() rejects where the file is gone, however long ago it was flushed", () =>
  withFolder(async (folder) => {
    const files = filesIn(folder);
    const fresh = files.take("A", ".part", 2);
    await fresh.findable();
    Deno.removeSync(fresh.path);
    await assertRejects(() => fresh.findable(), Error, "vanished");
    assertEquals(filesBelow(folder), []);
    fresh.file.close();
  }));

Deno.test("FreshFiles.take() does with the one file that it needs where no more can be made", () =>
  withFolder(async (folder) => {
    const files = filesIn(folder, { ops: new FaultyFileOps(2, "fail") });
    const taken = ["A", "B", "C"].map((stem) => files.take(stem, ".part", 3));
    assertEquals(taken.map(({ path }) => basename(path)), ["A.part", "A-2.part", "C.part"]);
    files.discard();
    for (const { file } of taken) file.close();
    await Promise.resolve();
  }));

Deno.test("DropWriter keeps no more files ready than captures were under way, and none after close()", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    await captureMail(writer, MAIL);
    await captureMail(writer, MAIL);
    assertEquals(unfinished(folder), []);
    const open = Array.from({ length: 40 }, () => writer.begin(smtpStart()));
    for (const capture of open) capture.abort();
    const kept = unfinished(folder).length;
    assertEquals(kept > 0 && kept < 32, true, `${kept} files`);
    await captureMail(writer, MAIL);
    assertEquals(unfinished(folder).length, kept - 1);
    await writer.close();
    assertEquals(unfinished(folder), []);
    assertEquals((await dropNames(folder)).length, 3);
  }));

Deno.test("DropWriter recovers from files kept ready in a folder that vanished with one mail lost, not all of them", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const open = Array.from({ length: 6 }, () => writer.begin(smtpStart()));
    for (const capture of open) capture.abort();
    Deno.removeSync(`${folder}/.incoming`, { recursive: true });
    await assertRejects(() => captureMail(writer, MAIL), MailteeError, "cannot write capture");
    await captureMail(writer, MAIL);
    await captureMail(writer, MAIL);
    assertEquals((await dropNames(folder)).length, 2);
    await writer.close();
  }));

Deno.test("FreshFile.giveBack() lets another capture have the file, until close()", () =>
  withFolder(async (folder) => {
    const files = filesIn(folder);
    files.take("A", ".part", 1).giveBack();
    const again = files.take("B", ".part", 1);
    assertEquals(basename(again.path), "A.part");
    await again.findable();
    files.close();
    again.giveBack();
    assertEquals(filesBelow(folder), []);
  }));

Deno.test("FreshFile.giveBack() keeps no file whose flush failed", () =>
  withFolder(async (folder) => {
    const files = filesIn(folder, { flush: () => Promise.reject(systemError("EIO")) });
    const [first, second] = ["A", "B"].map((stem) => files.take(stem, ".part", 2));
    await assertRejects(async () => await first?.findable(), Error, "EIO");
    second?.giveBack();
    assertEquals(filesBelow(folder), ["A.part"]);
    first?.file.close();
  }));

Deno.test("Capture.abort() gives an empty file to the next capture, and removes one that was written to", () =>
  withFolder(async (folder) => {
    const ops = new FaultyFileOps();
    const writer = await openDropWriter(folder, { ops });
    ops.steps.length = 0;
    for (let count = 0; count < 5; count++) {
      const capture = writer.begin(smtpStart());
      capture.write(MAIL);
      capture.abort();
      capture.abort();
    }
    assertEquals(ops.steps.map((step) => step.split(" ")[0]), ["create"]);
    const written = writer.begin(smtpStart());
    written.write(new Uint8Array(100_000));
    written.abort();
    assertEquals(unfinished(folder), []);
    await writer.close();
  }));
