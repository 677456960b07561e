import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { type FileStore, type FileStoreOptions, openFileStore } from "../../../src/archive/store.ts";
import type { StoreEntry } from "../../../src/archive/types.ts";
import { encodeUtf8, equalBytes } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { corpusFolder, corpusMails } from "../message/corpus.ts";
import { inFolder, inPieces, sha256 } from "./samples.ts";

const MAIL = encodeUtf8("Subject: one\r\n\r\nText\r\n");
const OTHER = encodeUtf8("Subject: other\r\n\r\nText\r\n");

async function withStore(
  test: (store: FileStore, folder: string) => Promise<void>,
  options: FileStoreOptions = {},
): Promise<void> {
  await inFolder(async (parent) => {
    const folder = join(parent, "store");
    await test(await openFileStore(folder, options), folder);
  });
}

async function entries(store: FileStore): Promise<string[]> {
  const list: StoreEntry[] = await Array.fromAsync(store.list());
  return list.map((entry) => `${entry.kind} ${entry.file.slice(store.folder.length + 1)}`).sort();
}

async function rejectsWith(code: string, attempt: () => Promise<unknown>): Promise<void> {
  assertEquals((await assertRejects(attempt, MailteeError)).code, code);
}

Deno.test("FileStore keeps a mail under its hash and gives it back", async () => {
  await withStore(async (store) => {
    const id = sha256(MAIL);
    assertEquals(await store.put(MAIL), { sha256: id, size: MAIL.length, existed: false });
    assertEquals(await store.put(inPieces(MAIL, 3)), { sha256: id, size: MAIL.length, existed: true });
    assert(await store.has(id));
    assert(equalBytes(await store.read(id), MAIL));
    assertEquals(await store.check(id), { state: "sound", size: MAIL.length });
    assertEquals(await entries(store), [`content ${join(id.slice(0, 2), `${id}.eml.zst`)}`]);
  });
});

Deno.test("FileStore says so of a mail that it hasn't got", async () => {
  await withStore(async (store) => {
    assertEquals(await store.has(sha256(MAIL)), false);
    await rejectsWith("not-found", () => store.read(sha256(MAIL)));
    assertEquals(await store.check(sha256(MAIL)), { state: "missing" });
  });
});

Deno.test("FileStore.put() refuses content that hasn't the expected hash, and leaves nothing", async () => {
  await withStore(async (store) => {
    await rejectsWith("damaged", () => store.put(MAIL, { expectedSha256: sha256(OTHER) }));
    await assertRejects(() => store.put(failing()), Error, "unreadable");
    assertEquals(await entries(store), []);
    assertEquals((await store.put(MAIL, { expectedSha256: sha256(MAIL) })).existed, false);
  });
});

async function* failing(): AsyncGenerator<Uint8Array> {
  yield MAIL;
  await Promise.resolve();
  throw new Error("unreadable");
}

Deno.test("StoreBatch makes all its mails known at once", async () => {
  await withStore(async (store) => {
    const batch = store.batch();
    await batch.add(MAIL);
    await assertRejects(() => batch.add(failing()), Error, "unreadable");
    await Promise.all([batch.add(OTHER), batch.add(OTHER), batch.add(OTHER)]);
    assertEquals((await batch.add(MAIL)).existed, true);
    assertEquals(await store.has(sha256(MAIL)), false);
    await batch.flush();
    assertEquals((await entries(store)).length, 2);
    assert(equalBytes(await store.read(sha256(OTHER)), OTHER));
    await assertRejects(() => batch.add(MAIL), TypeError);
    await assertRejects(() => batch.flush(), TypeError);
  });
});

Deno.test("StoreBatch.abandon() leaves nothing", async () => {
  await withStore(async (store) => {
    const batch = store.batch();
    await batch.add(MAIL);
    await batch.abandon();
    await batch.abandon();
    assertEquals(await entries(store), []);
  });
});

Deno.test(
  "FileStore gives files and folders the modes it is told",
  { ignore: Deno.build.os === "windows" },
  async () => {
    for (const [fileMode, folderMode] of [[0o600, 0o700], [0o660, 0o770]] as const) {
      await withStore(async (store, folder) => {
        await store.put(MAIL);
        const file = store.pathOf(sha256(MAIL));
        const modes = [file, join(file, ".."), folder].map((path) => (Deno.statSync(path).mode ?? 0) & 0o777);
        assertEquals(modes, [fileMode, folderMode, folderMode]);
      }, { fileMode, folderMode });
    }
  },
);

Deno.test("FileStore.put() replaces a copy that is damaged", async () => {
  await withStore(async (store) => {
    const id = sha256(MAIL);
    await store.put(MAIL);
    await Deno.writeFile(store.pathOf(id), encodeUtf8("junk"));
    await rejectsWith("damaged", () => store.read(id));
    assertEquals((await store.put(MAIL)).existed, false);
    assert(equalBytes(await store.read(id), MAIL));
  });
});

Deno.test("FileStore.open() ends with an error where another mail is stored in a mail's place", async () => {
  await withStore(async (store) => {
    await store.put(MAIL);
    await store.put(OTHER);
    await Deno.copyFile(store.pathOf(sha256(OTHER)), store.pathOf(sha256(MAIL)));
    await rejectsWith("damaged", () => Array.fromAsync(store.open(sha256(MAIL))));
    const check = await store.check(sha256(MAIL));
    assertEquals(check.state, "damaged");
  });
});

Deno.test("FileStore.open() may be left before the end", async () => {
  await withStore(async (store) => {
    const large = new Uint8Array(1_000_000);
    for (let at = 0; at < large.length; at += 50_000) crypto.getRandomValues(large.subarray(at, at + 50_000));
    await store.put(large);
    for await (const piece of store.open(sha256(large))) {
      assertGreater(large.length, piece.length);
      break;
    }
  });
});

Deno.test("FileStore.check() tells a changed file from a changed mail", async () => {
  await withStore(async (store) => {
    await store.put(MAIL);
    const path = store.pathOf(sha256(MAIL));
    const file = await Deno.readFile(path);
    await Deno.writeFile(path, file.subarray(0, -1));
    const check = await store.check(sha256(MAIL));
    assertEquals(check.state === "damaged" && check.mailIsWhole, true);
    assert(equalBytes(await store.read(sha256(MAIL)), MAIL));
  });
});

Deno.test("FileStore.list() tells what isn't the store's, and opening it removes old leftovers", async () => {
  await withStore(async (store, folder) => {
    const old = join(folder, "incoming", `${crypto.randomUUID()}.tmp`);
    const young = join(folder, "incoming", `${crypto.randomUUID()}.tmp`);
    for (const path of [old, young]) await Deno.writeFile(path, MAIL);
    const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000);
    await Deno.utime(old, yesterday, yesterday);
    await store.put(MAIL);
    const shard = sha256(MAIL).slice(0, 2);
    await Deno.writeFile(join(folder, "notes.txt"), MAIL);
    await Deno.writeFile(join(folder, shard, `${"0".repeat(64)}.eml.zst`), MAIL);
    await Deno.mkdir(join(folder, shard, "folder"));
    assertEquals(
      await entries(store),
      [
        `content ${shard}/${sha256(MAIL)}.eml.zst`,
        `foreign ${shard}/${"0".repeat(64)}.eml.zst`,
        `foreign ${shard}/folder`,
        "foreign notes.txt",
        `temporary incoming/${old.slice(-40)}`,
        `temporary incoming/${young.slice(-40)}`,
      ].sort(),
    );
    const names = Array.from(Deno.readDirSync((await openFileStore(folder)).folder + "/incoming"), ({ name }) => name);
    assertEquals(names, [young.slice(-40)]);
    assert(await store.has(sha256(MAIL)));
  });
});

Deno.test("openFileStore() lists unfinished content alone, however much is stored", async () => {
  await withStore(async (store, folder) => {
    await store.put(MAIL);
    assertEquals(await foldersListed(() => openFileStore(folder)), [join(folder, "incoming")]);
  });
});

/** The folders that are listed while something is done. */
async function foldersListed(attempt: () => Promise<unknown>): Promise<string[]> {
  const listed: string[] = [];
  const { readDir } = Deno;
  Deno.readDir = (path) => {
    listed.push(String(path));
    return readDir(path);
  };
  try {
    await attempt();
  } finally {
    Deno.readDir = readDir;
  }
  return listed;
}

Deno.test("openFileStore() changes nothing where it is opened read-only", async () => {
  await inFolder(async (folder) => {
    const store = await openFileStore(join(folder, "store"), { readOnly: true, clock: systemClock });
    assertEquals(Array.from(Deno.readDirSync(folder)), []);
    await rejectsWith("not-found", () => store.read(sha256(MAIL)));
  });
});

Deno.test({
  name: "FileStore gives every mail of the corpus back, octet for octet",
  ignore: corpusFolder === null,
  async fn() {
    await withStore(async (store) => {
      const mails = corpusMails(corpusFolder ?? "").map((path) => Deno.readFileSync(path));
      const batch = store.batch();
      for (const mail of mails) await batch.add(mail, { expectedSha256: sha256(mail) });
      await batch.flush();
      for (const mail of mails) assert(equalBytes(await store.read(sha256(mail)), mail), sha256(mail));
    });
  },
});
