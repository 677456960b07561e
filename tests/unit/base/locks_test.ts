import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { systemClock } from "../../../src/base/clock.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { lockHolderText, readLockHolder, tryLockFile } from "../../../src/base/locks.ts";

async function withLockPath(run: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(join(folder, "lock"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("tryLockFile() gives the lock to one at a time", () =>
  withLockPath((path) => {
    const first = tryLockFile(path);
    assert(first !== null);
    assertEquals(tryLockFile(path), null);
    first.release();
    first.release();
    const second = tryLockFile(path);
    assert(second !== null);
    second.release();
  }));

Deno.test("release() frees the lock while another thread starts processes", () =>
  withLockPath(async (path) => {
    const starts = `
      for (let count = 0; count < 30; count++) await new Deno.Command(Deno.execPath(), { args: ["-v"] }).output();
      self.postMessage("started");`;
    const worker = new Worker(`data:text/javascript,${encodeURIComponent(starts)}`, { type: "module" });
    try {
      const started = new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }));
      let over = false;
      started.then(() => over = true);
      while (!over) {
        const lock = tryLockFile(path);
        assert(lock !== null);
        lock.release();
        await new Promise((resolve) => setTimeout(resolve));
      }
    } finally {
      worker.terminate();
    }
  }));

Deno.test("tryLockFile() notes who holds the lock, in place of who held it before", () =>
  withLockPath((path) => {
    Deno.writeTextFileSync(path, "x".repeat(1000));
    const clock = { ...systemClock, now: () => Date.UTC(2026, 10, 24, 11, 55, 1, 123) };
    const lock = tryLockFile(path, { clock });
    try {
      if (Deno.build.os === "windows") return;
      assertEquals(readLockHolder(path), { pid: Deno.pid, host: Deno.hostname(), since: "2026-11-24T11:55:01.123Z" });
      assertEquals(lockHolderText(path), `process ${Deno.pid} on ${Deno.hostname()} since 2026-11-24T11:55:01.123Z`);
    } finally {
      lock?.release();
    }
  }));

Deno.test("lockHolderText() has words where the file tells nothing", () =>
  withLockPath((path) => {
    assertEquals(lockHolderText(path), "another process");
    for (const text of ["", "{", "null", "7", `{"pid":"1","host":"h","since":"s"}`]) {
      Deno.writeTextFileSync(path, text);
      assertEquals(readLockHolder(path), null);
    }
  }));

Deno.test("tryLockFile() throws with words where the file can't be made", () =>
  withLockPath((path) => {
    const error = assertThrows(() => tryLockFile(join(path, "nowhere")), MailteeError, "cannot lock");
    assertStringIncludes(error.message, path);
  }));

Deno.test("tryLockFile() finds a lock free once its holder was killed", () =>
  withLockPath(async (path) => {
    const script = `
      using file = Deno.openSync(${JSON.stringify(path)}, { read: true, write: true, create: true });
      file.lockSync(true);
      console.log("held");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    `;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", script],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    assertEquals(tryLockFile(path), null);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    const lock = tryLockFile(path);
    assert(lock !== null);
    lock.release();
  }));
