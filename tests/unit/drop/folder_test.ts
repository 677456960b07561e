import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { createUlidMaker } from "../../../src/base/ids.ts";
import { captureName, listDropFolder, parseCaptureName } from "../../../src/drop/folder.ts";
import { POSIX, withFolder } from "./samples.ts";

const TIME = Date.UTC(2026, 10, 24, 11, 55, 1, 123);

Deno.test("captureName() and parseCaptureName() are each other's inverse", () => {
  const id = createUlidMaker(() => TIME)();
  const name = captureName(id);
  assertEquals(name, `20261124T115501123Z-${id}.eml`);
  assertEquals(parseCaptureName(name), id);
});

Deno.test("captureName() keeps the order of making when the clock jumps", () => {
  let now = TIME;
  const ids = createUlidMaker(() => now);
  const names: string[] = [];
  for (const jump of [0, 1, -5000, 0, 3_600_000, -7_200_000, 0]) {
    now += jump;
    for (let i = 0; i < 3; i++) names.push(captureName(ids()));
  }
  assertEquals(names.toSorted(), names);
  assertEquals(new Set(names).size, names.length);
});

Deno.test("parseCaptureName() refuses every other name", () => {
  const id = createUlidMaker(() => TIME)();
  for (
    const name of [
      "",
      `${id}.eml`,
      `20261124T115501123Z-${id}.EML`,
      `20261124T115501123Z-${id}.eml.part`,
      `20261124T115501123Z-${id.toLowerCase()}.eml`,
      `20261124T115501123Z-${id.slice(1)}.eml`,
      `20261124T115501123Z-${id}.eml\n`,
      `x20261124T115501123Z-${id}.eml`,
    ]
  ) assertEquals(parseCaptureName(name), null, JSON.stringify(name));
});

Deno.test("listDropFolder() names everything but dot files, in order, with its kind", () =>
  withFolder(async (folder) => {
    const ids = createUlidMaker(() => TIME);
    const [first, second] = [captureName(ids()), captureName(ids())];
    for (const name of [second, first, "note.txt", ".hidden"]) Deno.writeTextFileSync(join(folder, name), "");
    Deno.mkdirSync(join(folder, ".incoming"));
    Deno.mkdirSync(join(folder, "sub"));
    if (POSIX) {
      Deno.symlinkSync("/etc/passwd", join(folder, "link"));
      Deno.writeTextFileSync(join(folder, "odd\nname"), "");
    }
    assertEquals((await listDropFolder(folder))[0]?.path, join(folder, first));
    assertEquals((await listDropFolder(folder + "/"))[0]?.path, join(folder, first));
    const found = (await listDropFolder(folder)).map(({ name, kind, captureId }) => [name, kind, captureId]);
    assertEquals(found, [
      [first, "file", parseCaptureName(first)],
      [second, "file", parseCaptureName(second)],
      ...(POSIX ? [["link", "symlink", null]] : []),
      ["note.txt", "file", null],
      ...(POSIX ? [["odd\nname", "file", null]] : []),
      ["sub", "directory", null],
    ]);
  }));

Deno.test("listDropFolder() rejects in words where there is no folder", async () => {
  await assertRejects(() => listDropFolder("/nowhere/drop"), MailteeError, "cannot list the drop folder /nowhere/drop");
});
