import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { readYamlFile } from "../../../src/config/yaml_file.ts";
import { withFolder } from "./folder.ts";

Deno.test("readYamlFile() reads YAML 1.2 and JSON: no is a word, a date is text", async () => {
  await withFolder(
    { "a.yaml": "\uFEFFa: no\nb: 2026-01-01\nc: &x { d: 1 }\ne: *x\n", "b.json": `{ "a": [1, null] }` },
    async (folder) => {
      assertEquals(await readYamlFile(join(folder, "a.yaml")), { a: "no", b: "2026-01-01", c: { d: 1 }, e: { d: 1 } });
      assertEquals(await readYamlFile(join(folder, "b.json")), { a: [1, null] });
    },
  );
});

Deno.test("readYamlFile() names line and column, and doesn't quote the line", async () => {
  const cases: readonly (readonly [text: string, problem: string])[] = [
    [
      "a: 1\nb: [1, 2\nc: hunter2\n",
      "Cannot read flow collection: missing comma between flow collection entries at line 3, column 1.",
    ],
    ["a: 1\na: hunter2\n", "Cannot store mapping pair: duplicated key at line 2, column 1."],
    ["a: 1\nb: 'hunter2\n", "Unexpected end of the stream within a single quoted scalar at line 3, column 1."],
    ["a: *hunter\n", 'Cannot read alias: unidentified alias "hunter" at line 1, column 11.'],
  ];
  for (const [text, problem] of cases) {
    await withFolder({ "a.yaml": text }, async (folder) => {
      const file = join(folder, "a.yaml");
      const error = await assertRejects(() => readYamlFile(file), MailteeError);
      assertEquals([error.code, error.message], ["config", `${file}: ${problem}`]);
    });
  }
});

Deno.test("readYamlFile() says that a file can't be read", async () => {
  await withFolder({}, async (folder) => {
    const file = join(folder, "none.yaml");
    await assertRejects(() => readYamlFile(file), MailteeError, `${file} can't be read: `);
  });
});
