import { assertEquals, assertRejects } from "@std/assert";
import { decodeLatin1, encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { WriteQueue } from "../../../src/net/write_queue.ts";

const lost = new MailteeError("connection-lost", "gone");

Deno.test("WriteQueue writes on where the system took a part, one write at a time and in order", async () => {
  let written = "";
  let underWay = 0;
  const queue = new WriteQueue(async (bytes) => {
    assertEquals(++underWay, 1);
    const part = bytes.subarray(0, 3);
    written += decodeLatin1(part);
    await Promise.resolve();
    underWay--;
    return part.length;
  }, () => lost);
  const order: string[] = [];
  const write = (text: string) => queue.write(encodeUtf8(text)).then(() => order.push(`${text} at ${written.length}`));
  const writing = [write("1234567"), write(""), write("89"), write("abc")];
  assertEquals(queue.busy, true);
  await queue.drained();
  await Promise.all(writing);
  assertEquals([written, queue.busy], ["123456789abc", false]);
  assertEquals(order, ["1234567 at 9", " at 9", "89 at 12", "abc at 12"]);
});

Deno.test("WriteQueue fails everything after the first failure, with its error", async () => {
  let calls = 0;
  const queue = new WriteQueue(() => {
    calls++;
    return Promise.reject(new Error("Broken pipe"));
  }, () => lost);
  const writing = [queue.write(encodeUtf8("a")), queue.write(encodeUtf8("b"))];
  const outcomes = await Promise.allSettled([...writing, queue.drained()]);
  assertEquals(outcomes.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  assertEquals(await assertRejects(() => queue.write(encodeUtf8("c")), MailteeError), lost);
  assertEquals(calls, 1);
});

Deno.test("WriteQueue.fail() leaves a write that is under way to itself", async () => {
  const underWay = Promise.withResolvers<number>();
  const queue = new WriteQueue(() => underWay.promise, () => lost);
  const writing = queue.write(encodeUtf8("abc"));
  queue.fail(() => new MailteeError("timeout", "too slow"));
  await assertRejects(() => writing, MailteeError, "too slow");
  underWay.resolve(1);
  await assertRejects(() => queue.drained(), MailteeError, "too slow");
});
