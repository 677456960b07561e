import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { basename, fromFileUrl, join } from "@std/path";
import { concatBytes } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { tryLockFile } from "../../../src/base/locks.ts";
import { captureName, listDropFolder } from "../../../src/drop/folder.ts";
import { readCapture, readMail } from "../../../src/drop/reader.ts";
import { recoverDropFolder } from "../../../src/drop/recovery.ts";
import { openDropWriter } from "../../../src/drop/writer.ts";
import { FaultyFileOps } from "../base/faulty_file_ops.ts";
import { filesBelow, MAIL, smtpStart, StillClock, unfinished, withFolder } from "./samples.ts";

const DEAD = "01M86PHJM30000000000000000";

/** The bytes of a sealed capture and its id. */
async function sealedBytes(): Promise<{ id: string; bytes: Uint8Array<ArrayBuffer> }> {
  const sealed: { id: string; bytes: Uint8Array<ArrayBuffer> }[] = [];
  await withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const capture = writer.begin(smtpStart());
    capture.write(MAIL);
    await capture.seal();
    const [name] = unfinished(folder);
    assert(name !== undefined);
    sealed.push({ id: capture.id, bytes: Deno.readFileSync(join(folder, ".incoming", name)) });
    capture.abort();
    await writer.close();
  });
  const [only] = sealed;
  assert(only !== undefined);
  return only;
}

/** Makes a dead writer's folder with these files. */
function leave(folder: string, files: Record<string, Uint8Array | string>): string {
  const path = join(folder, ".incoming", DEAD);
  Deno.mkdirSync(path, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    Deno.writeFileSync(join(path, name), typeof content === "string" ? new TextEncoder().encode(content) : content);
  }
  return path;
}

Deno.test("recoverDropFolder() finds nothing where nothing is", () =>
  withFolder(async (folder) => {
    const nothing = { committed: [], discarded: 0, failed: [] };
    assertEquals(await recoverDropFolder(join(folder, "missing")), nothing);
    assertEquals(await recoverDropFolder(folder), nothing);
    leave(folder, {});
    assertEquals(await recoverDropFolder(folder), nothing);
    assertEquals(filesBelow(folder), [".incoming/lock"]);
  }));

Deno.test("recoverDropFolder() commits what is complete as unknown and discards what isn't", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    const files: Record<string, Uint8Array> = { [`${id}.part`]: bytes };
    const cuts = [0, 1, 300, bytes.length - 700, bytes.length - 2, bytes.length - 1];
    for (const cut of cuts) files[`01M86PHJM3${String(cut).padStart(16, "0")}.part`] = bytes.subarray(0, cut);
    leave(folder, files);
    const recovery = await recoverDropFolder(folder);
    const path = join(folder, captureName(id));
    // An empty file was only kept ready.
    assertEquals(recovery, { committed: [path], discarded: cuts.length - 1, failed: [] });
    const file = await readCapture(path);
    assertEquals([file.report.outcome, file.report.finished, file.report.smtp?.reply], ["unknown", null, null]);
    assertEquals(await readMail(file), MAIL);
    assertEquals(filesBelow(folder), [".incoming/lock", captureName(id)]);
  }));

Deno.test("recoverDropFolder() flushes a capture before it shows it, since its writer may have died before its own flush", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    leave(folder, { [`${id}.part`]: bytes });
    const ops = new FaultyFileOps();
    await recoverDropFolder(folder, { ops });
    assertEquals(ops.steps.map((step) => step.replace(/ \S*$/, "")).slice(0, 6), [
      "open",
      "syncData",
      "done syncData",
      "rename",
      "remove",
      "remove",
    ]);
  }));

Deno.test("recoverDropFolder() discards a file that has its end but lost octets in between, as after a power cut", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    const torn = bytes.slice();
    const at = new TextDecoder("latin1").decode(bytes).indexOf("At noon?");
    torn.fill(0, at, at + 4);
    leave(folder, { [`${id}.part`]: torn });
    assertEquals(await recoverDropFolder(folder), { committed: [], discarded: 1, failed: [] });
    assertEquals(filesBelow(folder), [".incoming/lock"]);
  }));

Deno.test("recoverDropFolder() takes a torn settlement as unknown", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    const torn = bytes.slice();
    const region = torn.length - "\r\n--mailtee_00112233445566778899aabbccddeeff--\r\n".length - 512;
    torn.fill(0xff, region + 100, region + 400);
    leave(folder, { [`${id}.part`]: torn });
    const { committed } = await recoverDropFolder(folder);
    assertEquals(committed.length, 1);
    assertEquals((await readCapture(committed[0] ?? "")).report.outcome, "unknown");
  }));

Deno.test("recoverDropFolder() leaves a capture alone that is in place already", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    leave(folder, { [`${id}.part`]: bytes });
    const target = join(folder, captureName(id));
    const settled = new TextEncoder().encode(
      new TextDecoder().decode(bytes).replace(`"outcome": "unknown"`, `"outcome": "accepted"`),
    );
    Deno.writeFileSync(target, settled);
    assertEquals(await recoverDropFolder(folder), { committed: [], discarded: 0, failed: [] });
    assertEquals(Deno.readFileSync(target), settled);
    assertEquals(unfinished(folder), []);
  }));

Deno.test("recoverDropFolder() puts a complete capture in place of a damaged one of its name", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    leave(folder, { [`${id}.part`]: bytes });
    const target = join(folder, captureName(id));
    Deno.writeFileSync(target, bytes.subarray(0, 100));
    assertEquals((await recoverDropFolder(folder)).committed, [target]);
    assertEquals(Deno.readFileSync(target), bytes);
  }));

Deno.test("recoverDropFolder() prefers the settled form of a capture, unless that isn't complete", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    const settled = new TextEncoder().encode(
      new TextDecoder().decode(bytes).replace(`"outcome": "unknown" `.trim(), `"outcome": "accepted"`),
    );
    leave(folder, { [`${id}.part`]: bytes, [`${id}.settled`]: settled });
    const [path] = (await recoverDropFolder(folder)).committed;
    assertEquals((await readCapture(path ?? "")).report.outcome, "accepted");
    assertEquals((await listDropFolder(folder)).length, 1);
    Deno.removeSync(path ?? "");

    leave(folder, { [`${id}.part`]: bytes, [`${id}.settled`]: settled.subarray(0, 900) });
    const second = await recoverDropFolder(folder);
    assertEquals([second.committed.length, second.discarded], [1, 1]);
    assertEquals((await readCapture(path ?? "")).report.outcome, "unknown");
  }));

Deno.test("recoverDropFolder() takes a capture's id from its report, whatever the file is called", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    leave(folder, { [`${DEAD}-7.part`]: bytes, [`${DEAD}-8.part`]: "" });
    const path = join(folder, captureName(id));
    assertEquals(await recoverDropFolder(folder), { committed: [path], discarded: 0, failed: [] });
    assertEquals(filesBelow(folder), [".incoming/lock", captureName(id)]);
  }));

Deno.test("recoverDropFolder() leaves foreign things where they are", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    const path = leave(folder, { [`${id}.part`]: bytes, "notes.txt": "mine" });
    Deno.mkdirSync(join(folder, ".incoming", "not a writer's"));
    Deno.writeTextFileSync(join(folder, ".incoming", "note"), "mine");
    assertEquals((await recoverDropFolder(folder)).committed.length, 1);
    assertEquals(Deno.readTextFileSync(join(path, "notes.txt")), "mine");
    assertEquals(Deno.readTextFileSync(join(folder, ".incoming", "note")), "mine");
  }));

Deno.test("recoverDropFolder() doesn't touch what a living writer is making", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const [sealed, open] = [writer.begin(smtpStart()), writer.begin(smtpStart())];
    sealed.write(MAIL);
    await sealed.seal();
    open.write(MAIL);
    const before = unfinished(folder);
    assertEquals(before.length, 2);
    assertEquals(await recoverDropFolder(folder), { committed: [], discarded: 0, failed: [] });
    assertEquals(unfinished(folder), before);
    await open.seal();
    for (const capture of [sealed, open]) await capture.commit({ outcome: "accepted", reply: "250 Ok" });
    await writer.close();
    assertEquals((await listDropFolder(folder)).length, 2);
  }));

Deno.test("recoverDropFolder() names what it can't read and goes on with the rest", () =>
  withFolder(async (folder) => {
    const { id, bytes } = await sealedBytes();
    const path = leave(folder, { [`${id}.part`]: bytes });
    Deno.mkdirSync(join(path, "01M86PHJM30000000000000001.part"));
    Deno.writeTextFileSync(join(path, "01M86PHJM30000000000000001.part", "inside"), "");
    const { committed, failed } = await recoverDropFolder(folder);
    assertEquals(committed.length, 1);
    assertEquals(failed.map((failure) => basename(failure.path)), ["01M86PHJM30000000000000001"]);
    assertStringIncludes(failed[0]?.reason ?? "", "cannot recover it");
  }));

Deno.test("openDropWriter() waits for another one that is starting, and gives up in the end", () =>
  withFolder(async (folder) => {
    Deno.mkdirSync(join(folder, ".incoming"));
    const gate = tryLockFile(join(folder, ".incoming", "lock"));
    const clock = new StillClock();
    const error = await assertRejects(() => openDropWriter(folder, { clock }), MailteeError, "is held by");
    assertEquals(error.code, "busy");
    assertEquals(clock.elapsedMs, 30_000);
    gate?.release();
    await (await openDropWriter(folder, { clock })).close();
  }));

Deno.test("openDropWriter() recovers what a killed process left, and nothing of a living one", () =>
  withFolder(async (folder) => {
    const script = `
      import { openDropWriter } from ${JSON.stringify(new URL("../../../src/drop/writer.ts", import.meta.url).href)};
      import { MAIL, smtpStart } from ${JSON.stringify(new URL("./samples.ts", import.meta.url).href)};
      const writer = await openDropWriter(${JSON.stringify(folder)});
      const [accepted, sealed, open] = [writer.begin(smtpStart()), writer.begin(smtpStart()), writer.begin(smtpStart())];
      for (const capture of [accepted, sealed]) capture.write(MAIL);
      open.write(new Uint8Array(100_000));
      await Promise.all([accepted.seal(), sealed.seal()]);
      await accepted.commit({ outcome: "accepted", reply: "250 Ok" });
      console.log(sealed.id);
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    `;
    const file = join(folder, "..", `${basename(folder)}.ts`);
    Deno.writeTextFileSync(file, script);
    const config = fromFileUrl(new URL("../../../deno.json", import.meta.url));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--no-lock", "--config", config, file],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    try {
      const { value } = await reader.read();
      const id = new TextDecoder().decode(value).trim();
      const beside = await openDropWriter(folder);
      assertEquals(beside.recovery, { committed: [], discarded: 0, failed: [] });
      await beside.close();
      // One sealed, one open, one kept ready.
      assertEquals(unfinished(folder).length, 3);

      child.kill("SIGKILL");
      await child.status;
      const next = await openDropWriter(folder);
      assertEquals(next.recovery, { committed: [join(folder, captureName(id))], discarded: 1, failed: [] });
      await next.close();
      const outcomes = [];
      for (const { path } of await listDropFolder(folder)) outcomes.push((await readCapture(path)).report.outcome);
      assertEquals(outcomes.sort(), ["accepted", "unknown"]);
      assertEquals(unfinished(folder), []);
    } finally {
      await reader.cancel();
      Deno.removeSync(file);
    }
  }));

Deno.test("recoverDropFolder() recovers many captures, each once", () =>
  withFolder(async (folder) => {
    const writer = await openDropWriter(folder);
    const mails = Array.from({ length: 20 }, (_, i) => concatBytes([MAIL, new Uint8Array(i * 5000).fill(65 + i)]));
    for (const mail of mails) {
      const capture = writer.begin(smtpStart());
      capture.write(mail);
      await capture.seal();
    }
    await writer.close();
    const { committed } = await recoverDropFolder(folder);
    const found = await Promise.all(committed.map(async (path) => await readMail(await readCapture(path))));
    assertEquals(found, mails);
    assertEquals(await recoverDropFolder(folder), { committed: [], discarded: 0, failed: [] });
  }));
