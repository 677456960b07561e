import { assert, assertEquals, assertGreater } from "@std/assert";
import { basename, join } from "@std/path";
import { openFileStore } from "../../../src/archive/store.ts";
import { encodeUtf8, equalBytes } from "../../../src/base/bytes.ts";
import { hasCode } from "../../../src/base/errors.ts";
import { FaultyFileOps } from "../base/faulty_file_ops.ts";
import { type Fault, FAULTS } from "../base/faulty_file_ops.ts";
import { inFolder, sha256 } from "./samples.ts";

/** The last one is larger than what a batch holds in memory. */
const MAILS = ([["one", 3000], ["two", 3000], ["three", 60_000]] as const).map(([word, count]) =>
  encodeUtf8(`Subject: ${word}\r\n\r\n${word.repeat(count)}\r\n`)
);

/** Stores all mails in one batch; gives the error, if any. */
async function storeAll(folder: string, ops: FaultyFileOps): Promise<unknown> {
  try {
    const batch = (await openFileStore(folder, { ops })).batch();
    try {
      for (const mail of MAILS) await batch.add(mail);
      await batch.flush();
    } finally {
      await batch.abandon();
    }
    return null;
  } catch (error) {
    return error;
  } finally {
    ops.closeAll();
  }
}

Deno.test("StoreBatch flushes a mail before it gets its name, and its folder after", async () => {
  await inFolder(async (folder) => {
    const ops = new FaultyFileOps();
    assertEquals(await storeAll(join(folder, "store"), ops), null);
    const at = (step: string) => ops.steps.findIndex((done) => done.startsWith(step));
    const renames = ops.steps.filter((step) => step.startsWith("rename "));
    assertEquals(renames.length, MAILS.length);
    for (const rename of renames) {
      assertGreater(ops.steps.indexOf(rename), at(rename.replace("rename", "done syncData")));
    }
    for (const mail of MAILS) {
      const shard = join(folder, "store", sha256(mail).slice(0, 2));
      assertGreater(at(`syncDirectory ${shard}`), ops.steps.lastIndexOf(renames.at(-1) ?? ""));
      assertGreater(at(`done syncDirectory ${shard}`), 0);
    }
    assertGreater(ops.steps.lastIndexOf(`done syncDirectory ${join(folder, "store")}`), at("rename "));
  });
});

for (const fault of FAULTS) {
  Deno.test(`StoreBatch survives '${fault}' at every step: no mail is there by halves, and storing again succeeds`, async () => {
    const sound = new FaultyFileOps();
    await inFolder(async (folder) => assertEquals(await storeAll(join(folder, "store"), sound), null));
    for (let step = 0; step < sound.steps.length; step++) await survive(fault, step);
  });
}

async function survive(fault: Fault, step: number): Promise<void> {
  await inFolder(async (folder) => {
    const path = join(folder, "store");
    const ops = new FaultyFileOps(step, fault);
    const error = await storeAll(path, ops);
    const where = `${fault} at step ${step}: ${basename(ops.steps[step] ?? "")}`;
    if (!ops.crashed && error !== null) assert(hasCode(error, "io", "disk-full"), where);
    const store = await openFileStore(path);
    for (const mail of MAILS) {
      const { state } = await store.check(sha256(mail));
      assert(state === "sound" || (state === "missing" && error !== null), `${where}: ${state}`);
    }
    if (!ops.crashed) {
      const kinds = (await Array.fromAsync(store.list())).map(({ kind }) => kind);
      assert(!kinds.includes("temporary") || ops.steps[step]?.startsWith("remove"), where);
    }
    assertEquals(await storeAll(path, new FaultyFileOps()), null, where);
    for (const mail of MAILS) assert(equalBytes(await store.read(sha256(mail)), mail), where);
  });
}
