import { assertEquals, assertRejects } from "@std/assert";
import { DirectorySync } from "../../../src/base/directory_sync.ts";
import { denoFileOps, type FileOps } from "../../../src/base/files.ts";

/** File operations whose directory flushes end when the test says so. */
function heldFlushes(): {
  ops: FileOps;
  flushes: { resolve: (done: boolean) => void; reject: (error: Error) => void }[];
} {
  const flushes: { resolve: (done: boolean) => void; reject: (error: Error) => void }[] = [];
  const syncDirectory = () => {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    flushes.push({ resolve, reject });
    return promise;
  };
  return { ops: { ...denoFileOps, syncDirectory }, flushes };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

Deno.test("DirectorySync.flush() lets all who ask during a flush share the next one", async () => {
  const { ops, flushes } = heldFlushes();
  const sync = new DirectorySync("x", ops);
  const done: string[] = [];
  const ask = (name: string) => sync.flush().then(() => done.push(name));
  const all = [ask("a"), ask("b"), ask("c")];
  assertEquals(flushes.length, 1);
  flushes[0]?.resolve(true);
  await settle();
  assertEquals(done, ["a"]);
  assertEquals(flushes.length, 2);
  all.push(ask("d"));
  flushes[1]?.resolve(true);
  await settle();
  assertEquals(done, ["a", "b", "c"]);
  assertEquals(flushes.length, 3);
  flushes[2]?.resolve(true);
  await Promise.all(all);
  assertEquals(sync.flushes, 3);
});

Deno.test("DirectorySync.flush() never runs two flushes at once, whenever one asks", async () => {
  let running = 0;
  let most = 0;
  const syncDirectory = async () => {
    most = Math.max(most, ++running);
    await settle();
    running--;
    return true;
  };
  const sync = new DirectorySync("x", { ...denoFileOps, syncDirectory });
  const asked: Promise<void>[] = [];
  for (let turn = 0; turn < 200; turn++) {
    if (turn % 3 !== 0) asked.push(sync.flush());
    await Promise.resolve();
  }
  await Promise.all(asked);
  assertEquals(most, 1);
});

Deno.test("DirectorySync.flush() rejects all who asked until a flush failed, and starts anew after", async () => {
  const { ops, flushes } = heldFlushes();
  const sync = new DirectorySync("x", ops);
  const [first, second] = [sync.flush(), sync.flush()];
  flushes[0]?.reject(new Error("EIO"));
  await assertRejects(() => first, Error, "EIO");
  await assertRejects(() => second, Error, "EIO");
  assertEquals(flushes.length, 1);
  const third = sync.flush();
  flushes[1]?.resolve(true);
  await third;
});

Deno.test("DirectorySync.flush() flushes a real directory", async () => {
  const path = await Deno.makeTempDir();
  const sync = new DirectorySync(path);
  await Promise.all([sync.flush(), sync.flush(), sync.flush()]);
  assertEquals(sync.flushes, 2);
  await Deno.remove(path);
  await assertRejects(() => sync.flush(), Deno.errors.NotFound);
});
