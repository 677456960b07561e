import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { systemClock } from "../../../src/base/clock.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { type DemoOptions, runDemo } from "../../../src/demo/demo.ts";
import { Narrator } from "../../../src/demo/narrator.ts";

Deno.test("runDemo() gives 0 and leaves config, drop folder and archive where it is told to keep them", async () => {
  await inTemporaryFolder(async (folder) => {
    const keep = join(folder, "demo");
    const { code, lines } = await demo({ keep });
    assertEquals(code, 0, lines.join("\n"));
    assertEquals(lines.filter((line) => /^ ?\d+\. /.test(line)).length, 10);
    assertStringIncludes(lines.join("\n"), "claire@company.example");
    assertEquals(
      Array.from(Deno.readDirSync(join(keep, "drop"))).filter(({ name }) => name.endsWith(".eml")).length,
      15,
    );
    assert((await Deno.stat(join(keep, "archive"))).isDirectory);
    await assertRejects(() => demo({ keep }), MailteeError, "isn't empty");
  });
});

Deno.test("runDemo() gives 1 where a step doesn't give what it should", async () => {
  const { code, lines } = await demo({
    loadConfig: async (file) => {
      const config = await loadConfig(file);
      const everybody = [{ name: "everybody", addresses: ["*@company.example"], pop3Users: [] }];
      return { ...config, archive: config.archive === null ? null : { ...config.archive, users: everybody } };
    },
  });
  assertEquals(code, 1);
  assert(lines.some((line) => line.includes("FAILED, this isn't so: found 15")), lines.join("\n"));
});

Deno.test("runDemo() stops between two steps when it is asked to", async () => {
  await assertRejects(() => demo({ signal: AbortSignal.abort(new Error("enough")) }), Error, "enough");
});

Deno.test("Narrator numbers steps, counts failures, and breaks lines at blanks", () => {
  const lines: string[] = [];
  const narrator = new Narrator((line) => lines.push(line));
  narrator.step("One");
  narrator.check(true, `two  blanks stay, ${"word ".repeat(20)}end`);
  narrator.step("Two");
  narrator.check(false, "so it is");
  assertEquals(lines[0], " 1. One");
  assertEquals(lines.at(-1), "    FAILED, this isn't so: so it is");
  assertEquals(lines.slice(1, 3).join(" ").replaceAll(/ {4}/g, ""), `two  blanks stay, ${"word ".repeat(20)}end`);
  assert(lines.every((line) => line.length <= 100));
  assertEquals(narrator.failures, 1);
});

async function demo(options: Partial<DemoOptions>): Promise<{ readonly code: 0 | 1; readonly lines: string[] }> {
  const lines: string[] = [];
  const code = await runDemo({
    print: (line) => lines.push(line),
    clock: systemClock,
    signal: new AbortController().signal,
    loadConfig,
    ...options,
  });
  return { code, lines };
}

async function inTemporaryFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
