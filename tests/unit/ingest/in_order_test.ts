import { assertEquals, assertRejects } from "@std/assert";
import { inOrder } from "../../../src/ingest/in_order.ts";

Deno.test("inOrder() gives results in the order of the items, whichever is done first", async () => {
  const releases: (() => void)[] = [];
  const work = (item: number) =>
    new Promise<number>((resolve) => {
      releases.push(() => resolve(item * 10));
      if (releases.length === 3) { for (const release of releases.toReversed()) release(); }
    });
  assertEquals(await Array.fromAsync(inOrder([1, 2, 3], 3, work)), [10, 20, 30]);
});

Deno.test("inOrder() begins no more than so many at once", async () => {
  let [running, most] = [0, 0];
  const work = async () => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
  };
  await Array.fromAsync(inOrder(Array(20).keys(), 4, work));
  assertEquals([running, most], [0, 4]);
});

Deno.test("inOrder() passes a rejection on in its turn and waits for what was begun", async () => {
  const ended: number[] = [];
  const work = async (item: number) => {
    if (item === 2) throw new Error("broken");
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    ended.push(item);
    return item;
  };
  const given: number[] = [];
  await assertRejects(
    async () => {
      for await (const item of inOrder([1, 2, 3, 4, 5, 6, 7], 3, work)) given.push(item);
    },
    Error,
    "broken",
  );
  assertEquals(given, [1]);
  assertEquals(ended, [1, 3, 4]);
});

Deno.test("inOrder() waits for what was begun where its reader leaves", async () => {
  const ended: number[] = [];
  const work = async (item: number) => {
    await Promise.resolve();
    ended.push(item);
    return item;
  };
  for await (const item of inOrder([1, 2, 3, 4, 5], 2, work)) if (item === 1) break;
  assertEquals(ended, [1, 2, 3]);
});
