import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { hasCode, MailteeError } from "../../../src/base/errors.ts";
import {
  denoFileOps,
  ensureDirectory,
  fileError,
  freeBytes,
  type OpenFile,
  writeAll,
  writeFileAtomic,
} from "../../../src/base/files.ts";
import { FAULTS, FaultyFileOps, systemError } from "./faulty_file_ops.ts";

/** Folders pass on set-group-ID. */
const LINUX = Deno.build.os === "linux";
const POSIX = Deno.build.os !== "windows";

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A file that takes at most so many bytes per write. */
function narrowFile(perWrite: number): { file: OpenFile; taken: number[] } {
  const taken: number[] = [];
  const write = (bytes: Uint8Array) => {
    const part = bytes.subarray(0, perWrite);
    taken.push(...part);
    return part.length;
  };
  return { taken, file: { write, seek() {}, truncate() {}, syncData: () => Promise.resolve(), close() {} } };
}

Deno.test("writeAll() goes on after short writes", () => {
  for (const perWrite of [1, 2, 3, 100]) {
    const { file, taken } = narrowFile(perWrite);
    writeAll(file, new Uint8Array([1, 2, 3, 4, 5]));
    assertEquals(taken, [1, 2, 3, 4, 5]);
  }
});

Deno.test("writeAll() throws where the system takes nothing", () => {
  assertThrows(() => writeAll(narrowFile(0).file, new Uint8Array(5)), Error, "0 of 5 bytes");
});

Deno.test("writeFileAtomic() writes and replaces", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a");
    await writeFileAtomic(path, encodeUtf8("one"));
    await writeFileAtomic(path, encodeUtf8("two"), { mode: 0o644 });
    assertEquals(Deno.readTextFileSync(path), "two");
    if (POSIX) assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o644);
    assertEquals(Array.from(Deno.readDirSync(folder), (entry) => entry.name), ["a"]);
  }));

Deno.test("writeFileAtomic() flushes the file before the rename and the directory after it", () =>
  withFolder(async (folder) => {
    const ops = new FaultyFileOps();
    await writeFileAtomic(join(folder, "a"), encodeUtf8("one"), { ops });
    assertEquals(ops.steps.map((step) => step.replace(/ \S*\/\S*$/, "")), [
      "create",
      "write 3",
      "syncData",
      "done syncData",
      "rename",
      "syncDirectory",
      "done syncDirectory",
    ]);
  }));

Deno.test("writeFileAtomic() leaves the old file or the new one, whatever fails at whatever step", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a");
    for (const fault of FAULTS) {
      for (let at = 0; at < 7; at++) {
        Deno.writeTextFileSync(path, "old");
        const ops = new FaultyFileOps(at, fault);
        let failed = false;
        try {
          await writeFileAtomic(path, encodeUtf8("new text"), { ops });
        } catch (error) {
          failed = true;
          assertEquals(hasCode(error, "io", "disk-full"), true);
        }
        ops.closeAll();
        const text = Deno.readTextFileSync(path);
        assertEquals(text === "new text" || (failed && text === "old"), true, `${fault} at ${at}: ${text}`);
        const others = Array.from(Deno.readDirSync(folder), (entry) => entry.name).filter((name) => name !== "a");
        if (!ops.crashed) assertEquals(others, [], `${fault} at ${at}`);
        for (const name of others) Deno.removeSync(join(folder, name));
      }
    }
  }));

Deno.test("fileError() tells a full disk from other failures, with what to do next", () => {
  const cases: [Error, string, string][] = [
    [systemError("ENOSPC"), "disk-full", "Free some space"],
    [systemError("EDQUOT"), "disk-full", "quota"],
    [systemError("EIO"), "io", "check the disk"],
    [systemError("EROFS"), "io", "read-only"],
  ];
  for (const [cause, code, hint] of cases) {
    const error = fileError(cause, "write x");
    assertEquals(error.code, code);
    assertStringIncludes(error.hint ?? "", hint);
    assertStringIncludes(error.message, "cannot write x: ");
    assertEquals(error.cause, cause);
  }
  assertEquals(fileError("odd", "write x").code, "io");
  const known = new MailteeError("busy", "held");
  assertEquals(fileError(known, "write x"), known);
});

Deno.test({
  name: "fileError() knows the errors of the real system",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using file = Deno.openSync("/dev/full", { write: true });
    const full = assertThrows(() => file.writeSync(new Uint8Array(1)));
    assertEquals(fileError(full, "write").code, "disk-full");
    const missing = await assertRejects(
      () => writeFileAtomic("/nowhere/x", new Uint8Array(1)),
      MailteeError,
      "/nowhere/x",
    );
    assertEquals(missing.code, "io");
    assertStringIncludes(missing.hint ?? "", "folder is there");
  },
});

Deno.test("denoFileOps.create() refuses a name that is taken, and gives modes that the umask would narrow", () =>
  withFolder((folder) => {
    const before = POSIX ? Deno.umask(0o077) : 0;
    try {
      for (const mode of [0o600, 0o660]) {
        const path = join(folder, mode.toString(8));
        denoFileOps.create(path, mode).close();
        if (POSIX) assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, mode);
        assertThrows(() => denoFileOps.create(path, mode), Deno.errors.AlreadyExists);
      }
      if (LINUX) Deno.chmodSync(folder, 0o2700);
      denoFileOps.makeDirectory(join(folder, "d"), 0o770);
      if (POSIX) assertEquals((Deno.statSync(join(folder, "d")).mode ?? 0) & 0o2777, LINUX ? 0o2770 : 0o770);
    } finally {
      if (POSIX) Deno.umask(before);
    }
    return Promise.resolve();
  }));

Deno.test("denoFileOps.syncDirectory() says whether there is such a flush", () =>
  withFolder(async (folder) => {
    assertEquals(await denoFileOps.syncDirectory(folder), POSIX);
    if (Deno.build.os === "linux") assertEquals(await denoFileOps.syncDirectory("/proc"), false);
  }));

Deno.test("ensureDirectory() tells a new directory from an old one and from a file", () =>
  withFolder((folder) => {
    const path = join(folder, "d");
    assertEquals(ensureDirectory(path, 0o700), true);
    assertEquals(ensureDirectory(path, 0o700), false);
    Deno.writeTextFileSync(join(folder, "f"), "");
    assertThrows(() => ensureDirectory(join(folder, "f"), 0o700), Deno.errors.AlreadyExists);
    return Promise.resolve();
  }));

Deno.test("freeBytes() gives what is free", () => {
  assertEquals(freeBytes(".") > 0, true);
  assertThrows(() => freeBytes("/nowhere"));
});
