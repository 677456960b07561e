import { assert, assertEquals, assertGreater } from "@std/assert";

const root = new URL("../../", import.meta.url);

Deno.test("docs/durability.md names tests that there are", async () => {
  const page = await Deno.readTextFile(new URL("docs/durability.md", root));
  const names = [...page.matchAll(/^\|.*\| `([^`]+ [^`]+)`(?:, and further)? +\|$/gm)].map((match) => match[1] ?? "");
  assertGreater(names.length, 30);
  const patterns = await testNames(new URL("tests/", root));
  assertGreater(patterns.length, 300);
  assertEquals(names.filter((name) => !patterns.some((pattern) => pattern.test(name))), []);
});

Deno.test("docs/durability.md tells of a run of each harness", async () => {
  const page = await Deno.readTextFile(new URL("docs/durability.md", root));
  const harnesses = (await Deno.readTextFile(new URL("tests/faults/main.ts", root))).matchAll(/^ {2}"([\w-]+)": \{/gm);
  for (const [, name] of harnesses) assert(new RegExp(`^\\| ${name} +\\|`, "m").test(page), `no run of ${name}`);
});

/** What the tests below a folder are called; a name that is put together becomes a pattern. */
async function testNames(folder: URL): Promise<RegExp[]> {
  const found: RegExp[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await testNames(new URL(`${name}/`, folder)));
    if (!name.endsWith("_test.ts")) continue;
    const text = await Deno.readTextFile(new URL(name, folder));
    for (const match of text.matchAll(/(?:Deno\.test\(|name:)\s*(["`])((?:\\.|(?!\1).)+)\1/g)) {
      const parts = (match[2] ?? "").replaceAll("\\", "").split(/\$\{[^}]*\}/);
      found.push(new RegExp(`^${parts.map((part) => RegExp.escape(part)).join(".+")}$`));
    }
  }
  return found;
}
