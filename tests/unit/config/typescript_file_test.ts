import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { readTypeScriptFile } from "../../../src/config/typescript_file.ts";
import { withFolder } from "./folder.ts";

/** What reading a module with this text fails with, the folder's path as DIR. */
async function failure(
  text: string,
  more: Readonly<Record<string, string>> = {},
  timeLimitMs?: number,
): Promise<string> {
  let message = "";
  await withFolder({ "a.ts": text, ...more }, async (folder) => {
    const error = await assertRejects(() => readTypeScriptFile(join(folder, "a.ts"), timeLimitMs), MailteeError);
    assertEquals(error.code, "config");
    message = error.message.replaceAll(folder, "DIR");
  });
  return message;
}

const FAILURES: readonly (readonly [text: string, message: string])[] = [
  ["", "DIR/a.ts has no default export."],
  ["export const config = {};", "DIR/a.ts has no default export."],
  ["export default {\n  a: ;\n};", "DIR/a.ts, line 2, column 6: syntax error: Expression expected"],
  [`export default {\n  "ä": 1\n  b: 2\n};`, "DIR/a.ts, line 3, column 3: syntax error: Expected ',', got 'b'"],
  ["\nthrow new Error('no way');\nexport default {};", "DIR/a.ts, line 2, column 7: Error: no way"],
  ["export default { a: b };", "DIR/a.ts, line 1, column 21: ReferenceError: b is not defined"],
  [`export default { a: "x" "hunter2" };`, "DIR/a.ts, line 1, column 25: syntax error: Expected ',', got 'a string'"],
  [
    `import { a } from "./b.ts"; export default { a };`,
    "DIR/a.ts, line 1, column 19: DIR/b.ts is imported, but isn't there.",
  ],
  [
    `import { a } from "./c.ts"; export default { a };`,
    "DIR/a.ts, line 1, column 10: syntax error: The requested module './c.ts' does not provide an export named 'a'",
  ],
  [
    `import a from "no-such-package"; export default { a };`,
    `DIR/a.ts, line 1, column 15: an import can't be resolved: Import "no-such-package" not a dependency`,
  ],
  ["throw 'text';", "DIR/a.ts: Error: text"],
  ["export default { a: [1, () => 1] };", "DIR/a.ts: a[1]: found a function; allowed: plain data."],
  ["export default { a: { b: Promise.resolve(1) } };", "DIR/a.ts: a.b: found a promise; allowed: plain data."],
];

Deno.test("readTypeScriptFile() names file and line of whatever is wrong", async () => {
  for (const [text, expected] of FAILURES) {
    const message = await failure(text, { "c.ts": "export const b = 1;" });
    assertEquals(message.startsWith(expected), true, `${message}\nis not\n${expected}`);
  }
});

Deno.test("readTypeScriptFile() ends a module that never comes to its end", async () => {
  assertEquals(
    await failure("await new Promise(() => {}); export default {};", {}, 50),
    "DIR/a.ts didn't come to its end within 0.05 seconds.",
  );
});

Deno.test("readTypeScriptFile() gives plain data, of whatever type", async () => {
  await withFolder(
    { "a.ts": `export default Promise.resolve({ a: [1, "b", null, true], c: undefined });` },
    async (folder) => {
      assertEquals(await readTypeScriptFile(join(folder, "a.ts")), { a: [1, "b", null, true], c: undefined });
    },
  );
});

Deno.test("readTypeScriptFile() reads files whose names need escaping in a URL", async () => {
  await withFolder({ "a ü#?%41.ts": "export default 1;" }, async (folder) => {
    assertEquals(await readTypeScriptFile(join(folder, "a ü#?%41.ts")), 1);
  });
});
