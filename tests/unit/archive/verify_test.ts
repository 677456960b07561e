import { DatabaseSync } from "node:sqlite";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { openArchive } from "../../../src/archive/archive.ts";
import type { Archive, StoreEntry } from "../../../src/archive/types.ts";
import { type Damage, type Leftover, verifyArchive, type VerifyEvent } from "../../../src/archive/verify.ts";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { sample, sha256, withArchive } from "./samples.ts";

const MAILS = ["one", "two", "three"];

/** Archives three mails. */
async function fill({ store, catalog }: Archive): Promise<void> {
  for (const mail of MAILS) await store.put(encodeUtf8(mail));
  await catalog.addCaptures(MAILS.map((mail) => sample({ id: `CAPTURE-OF-${mail}`, mail, subject: `Mail ${mail}` })));
}

interface Found {
  readonly damages: readonly Damage[];
  readonly leftovers: readonly Leftover[];
  readonly progress: number;
}

async function verify(archive: Archive): Promise<Found> {
  const events: VerifyEvent[] = await Array.fromAsync(verifyArchive(archive));
  return {
    damages: events.flatMap((event) => event.kind === "damage" ? [event.damage] : []),
    leftovers: events.flatMap((event) => event.kind === "leftover" ? [event.leftover] : []),
    progress: events.filter(({ kind }) => kind === "progress").length,
  };
}

async function fileOf(archive: Archive, mail: string): Promise<string> {
  for await (const entry of archive.store.list()) {
    if (entry.kind === "content" && entry.sha256 === sha256(encodeUtf8(mail))) return entry.file;
  }
  throw new Error(`${mail} isn't stored`);
}

function codes(found: Found): string[] {
  return found.damages.map(({ code, mail }) => `${code} ${mail?.subject ?? ""}`);
}

Deno.test("verifyArchive() finds nothing in a sound archive", async () => {
  await withArchive(async (archive) => {
    assertEquals(await verify(archive), { damages: [], leftovers: [], progress: 0 });
    await fill(archive);
    assertEquals(await verify(archive), { damages: [], leftovers: [], progress: 3 });
  });
});

Deno.test("verifyArchive() finds a flipped byte, and says which mail and captures are hit", async () => {
  await withArchive(async (archive) => {
    await fill(archive);
    const path = await fileOf(archive, "two");
    const bytes = await Deno.readFile(path);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      await Deno.writeFile(path, flipped);
      const { damages } = await verify(archive);
      assertEquals(damages.length, 1, `byte ${at}`);
      const [damage] = damages;
      assertEquals([damage?.code, damage?.sha256, damage?.mail?.subject], [
        "content",
        sha256(encodeUtf8("two")),
        "Mail two",
      ]);
      assertEquals(damage?.captures.map(({ id }) => id), ["CAPTURE-OF-two"]);
    }
  });
});

Deno.test("verifyArchive() finds a missing file, a cut one and a swapped one", async () => {
  await withArchive(async (archive) => {
    await fill(archive);
    const [one = "", two = "", three = ""] = await Promise.all(MAILS.map((mail) => fileOf(archive, mail)));
    await Deno.copyFile(three, two);
    await Deno.truncate(three, 20);
    await Deno.remove(one);
    assertEquals(codes(await verify(archive)).sort(), ["content Mail three", "content Mail two", "missing Mail one"]);
  });
});

Deno.test("verifyArchive() finds a size that isn't the catalog's", async () => {
  await withArchive(async (archive) => {
    await fill(archive);
    await archive.store.put(encodeUtf8("four"));
    await archive.catalog.addCaptures([sample({ mail: "four", size: 400, subject: "Mail four" })]);
    const found = await verify(archive);
    assertEquals(codes(found), ["size Mail four"]);
    assertStringIncludes(found.damages[0]?.reason ?? "", "400");
  });
});

Deno.test("verifyArchive() finds a file that it may not read", { ignore: Deno.build.os === "windows" }, async () => {
  await withArchive(async (archive) => {
    await fill(archive);
    const path = await fileOf(archive, "one");
    await Deno.remove(path);
    await Deno.mkdir(path);
    assertEquals(codes(await verify(archive)), ["unreadable Mail one"]);
  });
});

Deno.test("verifyArchive() tells leftovers from damage", async () => {
  await withArchive(async (archive, folder) => {
    await fill(archive);
    await archive.store.put(encodeUtf8("of a crash"));
    await Deno.writeTextFile(join(folder, "archive", "store", "incoming", `${crypto.randomUUID()}.tmp`), "half");
    await Deno.writeTextFile(join(folder, "archive", "store", "notes.txt"), "mine");
    const { damages, leftovers } = await verify(archive);
    assertEquals(damages, []);
    assertEquals(leftovers.map(({ code }) => code).sort(), ["foreign", "temporary", "unknown"]);
  });
});

Deno.test("verifyArchive() finds a damaged index and a mail that isn't indexed", async () => {
  await withArchive(async (archive, folder) => {
    await fill(archive);
    // Not in the types yet: without it SQLite protects the tables of the index.
    const options = { readOnly: false, defensive: false };
    const database = new DatabaseSync(join(folder, "archive", "catalog.sqlite"), options);
    database.exec("DELETE FROM mail_text_1 WHERE rowid = (SELECT max(id) FROM mail)");
    assertEquals((await verify(archive)).damages.map(({ reason }) => reason), [
      "1 mails are missing from the full-text index",
    ]);
    database.exec("UPDATE mail_text_1_data SET block = zeroblob(length(block)) WHERE id > 1000");
    database.close();
    const again = await openArchive(archive.path, { readOnly: true });
    const { damages } = await verify(again);
    again.close();
    assertEquals(damages.every(({ code }) => code === "catalog"), true);
    assertStringIncludes(damages.map(({ reason }) => reason).join(), "fts5");
  });
});

Deno.test("verifyArchive() stops when it is asked to", async () => {
  await withArchive(async (archive) => {
    await fill(archive);
    const signal = AbortSignal.abort(new Error("stop"));
    await assertRejects(() => Array.fromAsync(verifyArchive(archive, { signal })), Error, "stop");
  });
});

Deno.test("verifyArchive() asks the store for one content at a time", async () => {
  await withArchive(async (archive) => {
    await fill(archive);
    let open = 0;
    let most = 0;
    const store = {
      ...bound(archive.store),
      check: async (id: string) => {
        most = Math.max(most, ++open);
        const result = await archive.store.check(id);
        open--;
        return result;
      },
    };
    await verify({ ...archive, store });
    assertEquals(most, 1);
  });
});

function bound(store: Archive["store"]): Archive["store"] {
  return {
    put: (content, options) => store.put(content, options),
    batch: () => store.batch(),
    has: (id) => store.has(id),
    open: (id) => store.open(id),
    read: (id) => store.read(id),
    check: (id) => store.check(id),
    list: (): AsyncIterable<StoreEntry> => store.list(),
  };
}
