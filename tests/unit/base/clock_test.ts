import { assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { systemClock } from "../../../src/base/clock.ts";

Deno.test("systemClock.monotonicMs() never goes back", () => {
  const first = systemClock.monotonicMs();
  assertGreaterOrEqual(systemClock.monotonicMs(), first);
});

Deno.test("systemClock.sleep() resolves, and rejects when it is aborted before or meanwhile", async () => {
  await systemClock.sleep(0);
  const reason = new Error("stopped");
  assertEquals(await assertRejects(() => systemClock.sleep(60_000, AbortSignal.abort(reason))), reason);
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort(reason);
  assertEquals(await assertRejects(() => sleeping), reason);
});
