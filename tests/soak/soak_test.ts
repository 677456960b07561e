/** The short form of `deno task soak`, and leaks that it has to notice. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { decodeUtf8 } from "../../src/base/bytes.ts";
import { runOrFail } from "../peers/program.ts";
import type { ShortDay } from "./short_day.ts";

async function shortDay(...leak: readonly string[]): Promise<ShortDay> {
  const program = fromFileUrl(new URL("short_day.ts", import.meta.url));
  const { stdout } = await runOrFail(Deno.execPath(), { args: ["run", "-A", "--no-check", program, ...leak] });
  return JSON.parse(decodeUtf8(stdout));
}

Deno.test("an hour of an office's day leaks nothing, and all ledgers agree", async () => {
  const { samples, captures, violations } = await shortDay();
  assertEquals(violations, []);
  assertEquals(samples, 6);
  assertGreater(captures, 80);
});

const SIGNS = {
  memory: /the heap grew from/,
  timers: /who waits for the clock grew from/,
  files: /file descriptors grew from/,
  sessions: /sessions or jobs don't come to their end/,
};

for (const [leak, sign] of Object.entries(SIGNS)) {
  Deno.test(`soak() notices what isn't given back: ${leak}`, async () => {
    const { violations } = await shortDay(leak);
    assert(violations.some((each) => sign.test(each)), `not noticed; said was:\n${violations.join("\n")}`);
  });
}
