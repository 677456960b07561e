import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { readEnvironment } from "../../../src/config/environment.ts";
import { withFolder } from "./folder.ts";

const ENV = [
  "\uFEFF# comment",
  "PLAIN=one two",
  "export EXPORTED = three",
  `QUOTED="four # not a comment" # comment`,
  `SINGLE='five "six"'`,
  "EMPTY=",
  "BOTH=file",
  "this is not an assignment",
  "LAST=seven",
].join("\r\n");

Deno.test("readEnvironment() reads .env as other programs do, and the process's variables go before it", async () => {
  await withFolder({ ".env": ENV }, async (folder) => {
    const variables = await readEnvironment(folder, (name) => name === "BOTH" ? "process" : undefined);
    const names = ["PLAIN", "EXPORTED", "QUOTED", "SINGLE", "EMPTY", "BOTH", "LAST", "NONE"];
    assertEquals(names.map(variables), [
      "one two",
      "three",
      "four # not a comment",
      'five "six"',
      "",
      "process",
      "seven",
      undefined,
    ]);
  });
});

Deno.test("readEnvironment() does without .env", async () => {
  await withFolder({}, async (folder) => {
    const variables = await readEnvironment(folder, (name) => name);
    assertEquals(variables("A"), "A");
  });
});

Deno.test("readEnvironment() says that .env can't be read", async () => {
  await withFolder({}, async (folder) => {
    await Deno.mkdir(join(folder, ".env"));
    await assertRejects(() => readEnvironment(folder), MailteeError, `${join(folder, ".env")} can't be read: `);
  });
});
