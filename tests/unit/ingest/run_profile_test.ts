import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { Archive } from "../../../src/archive/types.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { denoFileOps } from "../../../src/base/files.ts";
import { lockProfile } from "../../../src/ingest/profile_lock.ts";
import { ANNA, type ArchiveRoom, BERT, inRoom, mail } from "./archive_room.ts";
import { pop3Start } from "./captures.ts";
import type { RunResult } from "../../../src/ingest/types.ts";

const TO_ANNA = { from: "stranger@elsewhere.example", to: ["anna@company.example"] };
const TO_NOBODY = { from: "stranger@elsewhere.example", to: ["nobody@company.example"] };

function counts(result: RunResult) {
  const { found, archived, alreadyArchived, unassigned, failed, deleted } = result;
  return { found, archived, alreadyArchived, unassigned, failed, deleted };
}

const NONE = { found: 0, archived: 0, alreadyArchived: 0, unassigned: 0, failed: 0, deleted: 0 };

Deno.test("runProfile() archives each capture once and leaves the files", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), TO_ANNA);
    await room.capture(mail("two"), { from: "Anna@Company.Example", to: ["x@bert.example", "y@elsewhere.example"] });
    const first = await room.run();
    assertEquals(counts(first), { ...NONE, found: 2, archived: 2 });
    assertEquals(first.bytes, mail("one").length + mail("two").length);
    assertEquals(await room.archived(), [`${mail("one")} → anna`, `${mail("two")} → anna bert`]);
    assertEquals(counts(await room.run()), { ...NONE, found: 2, alreadyArchived: 2 });
    assertEquals(room.files().length, 2);
  }));

Deno.test("runProfile() gives and keeps the result protocol", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), TO_ANNA);
    const file = await room.capture(mail("two"), TO_NOBODY);
    const result = await room.run();
    assertEquals(Object.keys(result).sort(), [
      "alreadyArchived",
      "archived",
      "assignedLater",
      "bytes",
      "deleted",
      "failed",
      "finished",
      "found",
      "id",
      "interrupted",
      "interruption",
      "notArchived",
      "profile",
      "started",
      "unassigned",
    ]);
    assertMatch(result.started, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assertEquals(result.notArchived, [{
      file,
      code: "unassigned",
      reason: "no user has stranger@elsewhere.example, nobody@company.example",
      addresses: ["stranger@elsewhere.example", "nobody@company.example"],
    }]);
    const [kept] = await room.archive.catalog.runs();
    assertEquals(JSON.parse(JSON.stringify(kept?.protocol)), result);
  }));

Deno.test("runProfile() archives an unassigned capture once its user is there", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), TO_NOBODY);
    for (let run = 0; run < 2; run++) assertEquals(counts(await room.run()), { ...NONE, found: 1, unassigned: 1 });
    room.users = [ANNA, { name: "nobody", addresses: ["NOBODY@company.example"], pop3Users: [] }];
    assertEquals(counts(await room.run()), { ...NONE, found: 1, archived: 1 });
    assertEquals(await room.archived(), [`${mail("one")} → nobody`]);
  }));

Deno.test("runProfile() gives earlier mails to users who got an address of them", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), {
      from: "a@elsewhere.example",
      to: ["anna@company.example", "carl@company.example"],
    });
    await room.run();
    room.users = [ANNA, { name: "carl", addresses: ["carl@company.example"], pop3Users: [] }];
    assertEquals((await room.run()).assignedLater, 1);
    assertEquals(await room.archived(), [`${mail("one")} → anna carl`]);
  }));

Deno.test("runProfile() assigns POP3 mails by the POP3 user, and by an address that is one", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), pop3Start("m12345-1"));
    await room.capture(mail("two"), pop3Start("bert@company.example"));
    await room.capture(mail("three"), pop3Start("m99"));
    await room.capture(mail("four"), pop3Start(null));
    const result = await room.run();
    assertEquals(counts(result), { ...NONE, found: 4, archived: 2, unassigned: 2 });
    assertEquals(result.notArchived.map(({ reason }) => reason).sort(), [
      "its envelope names no address",
      "no user has m99",
    ]);
  }));

Deno.test("runProfile() archives captures whose outcome is unknown", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), TO_ANNA, "unknown");
    assertEquals((await room.run()).archived, 1);
  }));

Deno.test("runProfile() deletes what is archived, and what is unassigned, only where the profile says so", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), TO_ANNA);
    const left = await room.capture(mail("two"), TO_NOBODY);
    await room.run();
    room.profile = { ...room.profile, deleteArchived: true };
    assertEquals(counts(await room.run()), { ...NONE, found: 2, alreadyArchived: 1, unassigned: 1, deleted: 1 });
    assertEquals(room.files(), [left]);
    room.profile = { ...room.profile, deleteUnassigned: true };
    const result = await room.run();
    assertEquals(counts(result), { ...NONE, found: 1, unassigned: 1, deleted: 1 });
    assertStringIncludes(result.notArchived[0]?.reason ?? "", "deleted");
    assertEquals(room.files(), []);
    assertEquals((await room.archived()).length, 1);
  }));

Deno.test("runProfile() refuses to delete every mail because no user has an address", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), TO_ANNA);
    room.profile = { ...room.profile, deleteUnassigned: true };
    room.users = [{ name: "anna", addresses: [], pop3Users: [] }];
    await assertRejects(() => room.run(), MailteeError, "would delete every mail");
    assertEquals(room.files().length, 1);
  }));

Deno.test("runProfile() reports what it can't understand, leaves it alone and goes on", () =>
  inRoom(async (room) => {
    const good = await room.capture(mail("good"), TO_ANNA);
    const octets = await Deno.readFile(join(room.drop, good));
    const put = (name: string, content: Uint8Array) => Deno.writeFile(join(room.drop, name), content);
    await put("cut.eml", octets.subarray(0, octets.length - 9));
    const flipped = octets.slice();
    const at = new TextDecoder().decode(octets).indexOf("Text of good");
    flipped[at] = 0x74;
    await put("flipped.eml", replaceId(flipped));
    await put("foreign.eml", new TextEncoder().encode(mail("foreign")));
    await put("readme.txt", new TextEncoder().encode("hello"));
    await put("empty.eml", new Uint8Array(0));
    await put("line\nbreak.eml", octets);
    await Deno.mkdir(join(room.drop, "folder"));
    await Deno.symlink(join(room.drop, good), join(room.drop, "link.eml"));
    await new Deno.Command("mkfifo", { args: [join(room.drop, "pipe.eml")] }).output();
    room.profile = { ...room.profile, deleteArchived: true, deleteUnassigned: true };
    const before = room.files();
    const result = await room.run();
    assertEquals(counts(result), { ...NONE, found: 10, archived: 1, failed: 9, deleted: 1 });
    assertEquals(room.files(), before.filter((name) => name !== good));
    const reasons = Object.fromEntries(
      result.notArchived.map(({ file, code, reason }) => [file, `${code}: ${reason}`]),
    );
    assertEquals(reasons["cut.eml"], "damaged: it is cut off: its last line is missing");
    assertStringIncludes(reasons["flipped.eml"] ?? "", "damaged: ");
    assertStringIncludes(reasons["foreign.eml"] ?? "", "malformed: it isn't a capture");
    assertStringIncludes(reasons["link.eml"] ?? "", "symbolic link");
    assertStringIncludes(reasons["folder"] ?? "", "folder");
    assertStringIncludes(reasons["line\nbreak.eml"] ?? "", "control characters");
    assertEquals(await room.archived(), [`${mail("good")} → anna`]);
  }));

/** The same capture with another id, of the same length. */
function replaceId(octets: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = Array.from(octets, (octet) => String.fromCharCode(octet)).join("");
  const id = /"id": "([0-9A-Z]{26})"/.exec(text)?.[1] ?? "";
  return Uint8Array.from(text.replaceAll(id, `${id.slice(0, 20)}ZZZZZZ`), (character) => character.charCodeAt(0));
}

Deno.test("runProfile() deletes no damaged file, though it was archived or belongs to nobody", () =>
  inRoom(async (room) => {
    const files = [await room.capture(mail("one"), TO_ANNA), await room.capture(mail("two"), TO_NOBODY)];
    await room.run();
    for (const file of files) {
      const path = join(room.drop, file);
      await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace("\r\n\r\nText of", "\r\n\r\ntext of"));
    }
    room.profile = { ...room.profile, deleteArchived: true, deleteUnassigned: true };
    const result = await room.run();
    assertEquals(counts(result), { ...NONE, found: 2, failed: 2 });
    assertEquals(result.notArchived.map(({ code }) => code), ["damaged", "damaged"]);
    assertEquals(room.files(), files);
  }));

Deno.test("runProfile() knows a capture again that was renamed or copied", () =>
  inRoom(async (room) => {
    const file = await room.capture(mail("one"), TO_ANNA);
    await Deno.copyFile(join(room.drop, file), join(room.drop, "copy.eml"));
    assertEquals(counts(await room.run()), { ...NONE, found: 2, archived: 1, alreadyArchived: 1 });
    await Deno.rename(join(room.drop, file), join(room.drop, "renamed.eml"));
    assertEquals(counts(await room.run()), { ...NONE, found: 2, alreadyArchived: 2 });
    assertEquals((await room.archived()).length, 1);
  }));

Deno.test("runProfile() reports a capture id that is archived with another mail", () =>
  inRoom(async (room) => {
    const one = await room.capture(mail("one"), TO_ANNA);
    const two = await room.capture(mail("two"), TO_ANNA);
    await room.run();
    const idOf = (name: string) => /-([0-9A-Z]{26})\.eml$/.exec(name)?.[1] ?? "";
    const text = await Deno.readTextFile(join(room.drop, two));
    await Deno.writeTextFile(join(room.drop, "forged.eml"), text.replaceAll(idOf(two), idOf(one)));
    const result = await room.run();
    assertEquals(counts(result), { ...NONE, found: 3, alreadyArchived: 2, failed: 1 });
    assertStringIncludes(result.notArchived[0]?.reason ?? "", "with another mail");
  }));

Deno.test("runProfile() doesn't read files again that earlier runs left, unless they changed", () =>
  inRoom(async (room) => {
    const files = [await room.capture(mail("one"), TO_ANNA), await room.capture(mail("two"), TO_NOBODY)];
    await room.run();
    for (const file of files) {
      const path = join(room.drop, file);
      const { size, mtime } = await Deno.stat(path);
      await Deno.writeFile(path, new Uint8Array(size));
      await Deno.utime(path, mtime ?? 0, mtime ?? 0);
    }
    assertEquals(counts(await room.run()), { ...NONE, found: 2, alreadyArchived: 1, unassigned: 1 });
    for (const file of files) await Deno.utime(join(room.drop, file), 1, 1);
    assertEquals(counts(await room.run()), { ...NONE, found: 2, failed: 2 });
  }));

Deno.test("runProfile() compares a sample of many files that earlier runs left, and all whose names aren't of captures", () =>
  inRoom(async (room) => {
    const files = [await room.capture(mail("one"), TO_ANNA), await room.capture(mail("two"), TO_NOBODY)];
    await Deno.copyFile(join(room.drop, files[0] ?? ""), join(room.drop, "copy.eml"));
    await room.run();
    for (const file of files) await Deno.writeTextFile(join(room.drop, file), "changed");
    const sampled = await room.run({ limits: { comparedLeftovers: 2 } });
    assertEquals([sampled.found, sampled.alreadyArchived + sampled.unassigned, sampled.failed], [3, 2, 1]);
    await Deno.writeTextFile(join(room.drop, "copy.eml"), "changed");
    assertEquals((await room.run({ limits: { comparedLeftovers: 2 } })).notArchived.at(-1)?.file, "copy.eml");
  }));

Deno.test("runProfile() stores a mail again that the archive has lost, or has damaged, before it deletes the file", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), TO_ANNA);
    await room.capture(mail("two"), TO_ANNA);
    await room.run();
    const stored = (await Array.fromAsync(room.archive.store.list())).filter(({ kind }) => kind === "content");
    const [lost, damaged] = stored.map(({ file }) => file);
    await Deno.remove(lost ?? "");
    await Deno.writeTextFile(damaged ?? "", "damaged");
    room.profile = { ...room.profile, deleteArchived: true };
    assertEquals(counts(await room.run()), { ...NONE, found: 2, alreadyArchived: 2, deleted: 2 });
    assertEquals(await room.archived(), [`${mail("one")} → anna`, `${mail("two")} → anna`]);
  }));

Deno.test("runProfile() takes mails too large to be held, octet for octet", () =>
  inRoom(async (room) => {
    const large = `${mail("large")}${"0123456789abcdef\r\n".repeat(50_000)}`;
    await room.capture(large, TO_ANNA);
    await room.run({ limits: { wholeMailBytes: 1000 } });
    assertEquals(await room.archived(), [`${large} → anna`]);
  }));

Deno.test("runProfile() takes the text out of mails by a thread of its own, octet for octet and to be found", () =>
  inRoom(async (room) => {
    const mails = Array.from({ length: 40 }, (_, number) => mail(`number${number}`));
    for (const text of mails) await room.capture(text, TO_ANNA);
    const result = await room.run({ limits: { mailsBeforeThread: 5, batchMails: 7 } });
    assertEquals(counts(result), { ...NONE, found: 40, archived: 40 });
    assertEquals(await room.archived(), mails.map((text) => `${text} → anna`).sort());
    const { mails: found } = await room.archive.catalog.search({
      kind: "text",
      field: "body",
      text: "number39",
      prefix: false,
    });
    assertEquals(found.map(({ subject }) => subject), ["number39"]);
  }));

Deno.test("runProfile() archives over several transactions what one doesn't hold", () =>
  inRoom(async (room) => {
    for (let number = 0; number < 10; number++) await room.capture(mail(`${number}`), TO_ANNA);
    const result = await room.run({ limits: { batchMails: 3 } });
    assertEquals(counts(result), { ...NONE, found: 10, archived: 10 });
    assertEquals((await room.archived()).length, 10);
  }));

Deno.test("runProfile() is busy while another run of the profile holds the lock", () =>
  inRoom(async (room) => {
    const lock = lockProfile(room.archive.path, "nightly", systemClock);
    try {
      const error = await assertRejects(
        () => room.run(),
        MailteeError,
        "another run of profile nightly holds the lock",
      );
      assertStringIncludes(error.message, `process ${Deno.pid}`);
      assertEquals(error.code, "busy");
      assertEquals(counts(await room.run({ profile: { ...room.profile, name: "other" } })), NONE);
    } finally {
      lock.release();
    }
    assertEquals(counts(await room.run()), NONE);
  }));

Deno.test("runProfile() of different profiles on one folder at once archives each capture once", () =>
  inRoom(async (room) => {
    for (let number = 0; number < 20; number++) await room.capture(mail(`${number}`), TO_ANNA);
    const limits = { batchMails: 3 };
    const results = await Promise.all(
      ["a", "b", "c"].map((name) => room.run({ limits, profile: { ...room.profile, name, deleteArchived: true } })),
    );
    const sum = (of: "archived" | "deleted" | "failed") => results.reduce((total, result) => total + result[of], 0);
    assertEquals([sum("archived"), sum("deleted"), sum("failed")], [20, 20, 0]);
    assertEquals((await room.archived()).length, 20);
    assertEquals(room.files(), []);
  }));

Deno.test("runProfile() stops when it is asked to and keeps what it has done", () =>
  inRoom(async (room) => {
    for (let number = 0; number < 10; number++) await room.capture(mail(`${number}`), TO_ANNA);
    const stop = new AbortController();
    const progress = (done: number) => {
      if (done === 4) stop.abort(new MailteeError("busy", "Interrupted."));
    };
    const result = await room.run({ signal: stop.signal, progress });
    assertEquals([result.interrupted, result.interruption], [true, "Interrupted."]);
    assertEquals(result.archived, (await room.archived()).length);
    assertEquals(result.archived >= 4 && result.archived < 10, true);
    assertEquals((await room.run()).archived, 10 - result.archived);
  }));

Deno.test("runProfile() says so where the drop folder can't be read", () =>
  inRoom(async (room) => {
    const result = await room.run({ profile: { ...room.profile, dropFolder: join(room.folder, "nowhere") } });
    assertEquals(result.interrupted, true);
    assertStringIncludes(result.interruption ?? "", "nowhere");
  }));

Deno.test("runProfile() tells what it did where the archive can't keep the result, and the next run goes on", () =>
  inRoom(async (room) => {
    room.profile = { ...room.profile, deleteArchived: true };
    await room.capture(mail("kept"), TO_ANNA);
    const archive = withFailingEnd(room.archive, new MailteeError("disk-full", "the disk is full"));
    const result = await room.run({ archive });
    const { archived, deleted, interrupted } = result;
    assertEquals({ archived, deleted, interrupted }, { archived: 1, deleted: 1, interrupted: true });
    assertStringIncludes(result.interruption ?? "", "can't be kept in the archive: the disk is full");
    assertEquals((await room.archive.catalog.runs()).map(({ protocol }) => protocol), [null]);
    const next = await room.run();
    assertEquals([next.found, next.interrupted], [0, false]);
    assertEquals((await room.archived()).length, 1);
  }));

Deno.test("runProfile() says both why it ended early and why its result isn't kept", () =>
  inRoom(async (room) => {
    await Deno.remove(room.drop, { recursive: true });
    const archive = withFailingEnd(room.archive, new MailteeError("io", "the disk is gone"));
    const { interruption } = await room.run({ archive });
    assertMatch(interruption ?? "", /cannot list .*; .* can't be kept in the archive: the disk is gone/);
  }));

/** An archive that can't keep results of runs. */
function withFailingEnd(archive: Archive, error: MailteeError): Archive {
  const catalog = new Proxy(archive.catalog, {
    get(target, name) {
      if (name === "finishRun") return () => Promise.reject(error);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { path: archive.path, store: archive.store, catalog, close: () => archive.close() };
}

Deno.test("runProfile() leaves a file that changed since it was read, and one that can't be deleted", () =>
  inRoom(async (room) => {
    const [one, two] = [await room.capture(mail("one"), TO_ANNA), await room.capture(mail("two"), TO_ANNA)];
    room.profile = { ...room.profile, deleteArchived: true };
    const progress = (_done: number, _total: number, file: string) => {
      if (file === two) Deno.writeTextFileSync(join(room.drop, one), "replaced meanwhile");
    };
    const remove = () => {
      throw Object.assign(new Error("no"), { code: "EACCES" });
    };
    const result = await room.run({ progress, ops: { ...denoFileOps, remove } });
    assertEquals(counts(result), { ...NONE, found: 2, archived: 2 });
    assertEquals(room.files(), [one, two]);
  }));

Deno.test("runProfile() hears each file once in its progress", () =>
  inRoom(async (room: ArchiveRoom) => {
    await room.capture(mail("one"), TO_ANNA);
    await room.capture(mail("two"), TO_NOBODY);
    const heard: [number, number][] = [];
    await room.run({ progress: (done, total) => heard.push([done, total]), users: [ANNA, BERT] });
    assertEquals(heard, [[1, 2], [2, 2]]);
  }));

Deno.test("runProfile() remembers what it finds while it is writing down what it found before", () =>
  inRoom(async (room) => {
    const files = [await room.capture(mail("one"), TO_ANNA)];
    for (let number = 0; number < 5; number++) files.push(await room.capture(mail(`mail ${number}`), TO_NOBODY));
    const allFound = Promise.withResolvers<void>();
    const { catalog } = room.archive;
    const slow = new Proxy(catalog, {
      get(target, name) {
        if (name === "updateSeenFiles") {
          return async (...args: Parameters<typeof target.updateSeenFiles>) => {
            await target.updateSeenFiles(...args);
            await allFound.promise;
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const progress = (done: number, total: number) => done === total && allFound.resolve();
    await room.run({ archive: { ...room.archive, catalog: slow }, limits: { batchMails: 1 }, progress });
    assertEquals([...(await catalog.seenFiles(room.drop)).keys()].sort(), files);
  }));
