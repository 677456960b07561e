import { DatabaseSync } from "node:sqlite";
import { assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { openArchive } from "../../../src/archive/archive.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../../src/archive/schema.ts";
import { type ErrorCode, MailteeError } from "../../../src/base/errors.ts";
import { inFolder, sample } from "./samples.ts";

async function rejectsWith(code: ErrorCode, attempt: () => Promise<unknown>): Promise<MailteeError> {
  const error = await assertRejects(attempt, MailteeError);
  assertEquals(error.code, code);
  return error;
}

/** Makes an archive and lets a test have its database by hand. */
async function inDatabase(path: string, work: (database: DatabaseSync) => void): Promise<void> {
  (await openArchive(path)).close();
  const database = new DatabaseSync(join(path, "catalog.sqlite"));
  try {
    work(database);
  } finally {
    database.close();
  }
}

Deno.test(
  "openArchive() makes an archive with the modes it is told",
  { ignore: Deno.build.os === "windows" },
  async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "archive");
      const archive = await openArchive(path, { fileMode: 0o640, folderMode: 0o750 });
      await archive.catalog.addCaptures([sample()]);
      const modes = ["", "catalog.sqlite", "catalog.sqlite-wal", "store"].map((name) =>
        (Deno.statSync(join(path, name)).mode ?? 0) & 0o777
      );
      archive.close();
      assertEquals(modes, [0o750, 0o640, 0o640, 0o750]);
    });
  },
);

Deno.test("openArchive() makes nothing where it is opened read-only", async () => {
  await inFolder(async (folder) => {
    await rejectsWith("not-found", () => openArchive(join(folder, "archive"), { readOnly: true }));
    assertEquals(Array.from(Deno.readDirSync(folder)), []);
  });
});

Deno.test("openArchive() leaves alone what isn't a catalog", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "catalog.sqlite");
    await Deno.writeTextFile(file, "This is a letter, and not a database.".repeat(100));
    await rejectsWith("damaged", () => openArchive(folder));
    await Deno.remove(file);
    const other = new DatabaseSync(file);
    other.exec("CREATE TABLE mail (x)");
    other.close();
    const before = await Deno.readFile(file);
    await rejectsWith("malformed", () => openArchive(folder));
    await rejectsWith("malformed", () => openArchive(folder, { readOnly: true }));
    assertEquals(await Deno.readFile(file), before);
  });
});

Deno.test("openArchive() refuses the catalog of a newer version", async () => {
  await inFolder(async (folder) => {
    await inDatabase(folder, (database) => database.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`));
    for (const readOnly of [false, true]) {
      const error = await rejectsWith("malformed", () => openArchive(folder, { readOnly }));
      assertStringIncludes(error.message, "newer");
    }
  });
});

Deno.test("openArchive() takes every older version to the present schema", async () => {
  await inFolder(async (folder) => {
    const schema: string[] = [];
    await inDatabase(join(folder, "fresh"), (database) => schema.push(JSON.stringify(tables(database))));
    for (let version = 1; version < MIGRATIONS.length; version++) {
      const path = join(folder, `from-${version}`);
      await Deno.mkdir(path);
      const old = new DatabaseSync(join(path, "catalog.sqlite"));
      for (const migration of MIGRATIONS.slice(0, version)) old.exec(migration);
      old.exec("INSERT INTO archive (only, id, created) VALUES (1, 'X', 0)");
      old.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version}`);
      old.close();
      await rejectsWith("malformed", () => openArchive(path, { readOnly: true }));
      await inDatabase(path, (database) => schema.push(JSON.stringify(tables(database))));
    }
    assertEquals(new Set(schema).size, 1);
    assertStringIncludes(schema[0] ?? "", "index_part");
  });
});

function tables(database: DatabaseSync): unknown[] {
  return database.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").all();
}

Deno.test("openArchive() may be called by many at once, also for an archive that isn't there yet", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "archive");
    const archives = await Promise.all(Array.from({ length: 4 }, () => openArchive(path)));
    assertEquals(new Set(archives.map(({ catalog }) => catalog.archiveId)).size, 1);
    await Promise.all(
      archives.flatMap(({ catalog }) =>
        Array.from({ length: 5 }, () => catalog.addCaptures(Array.from({ length: 20 }, () => sample())))
      ),
    );
    assertEquals((await archives[0]?.catalog.totals())?.captures, 400);
    assertEquals(await archives[1]?.catalog.check(), []);
    for (const archive of archives) archive.close();
  });
});

Deno.test("openArchive() may be called by several processes at once", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "archive");
    const writer = fromFileUrl(new URL("writer_process.ts", import.meta.url));
    const config = fromFileUrl(new URL("../../../deno.json", import.meta.url));
    const run = (name: string) =>
      new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", "--config", config, writer, path, name] })
        .output();
    const outputs = await Promise.all(["one", "two"].map(run));
    assertEquals(outputs.map(({ stderr }) => new TextDecoder().decode(stderr)), ["", ""]);
    const archive = await openArchive(path, { readOnly: true });
    assertEquals((await archive.catalog.totals()).captures, 2 * 10 * 20);
    assertEquals((await archive.catalog.totals()).mails, 10 * 20);
    assertEquals(await archive.catalog.check(), []);
    archive.close();
  });
});

Deno.test("Database.transaction() waits for another writer without blocking the thread", async () => {
  await inFolder(async (folder) => {
    const archive = await openArchive(folder);
    const other = new DatabaseSync(join(folder, "catalog.sqlite"));
    other.exec("BEGIN IMMEDIATE");
    let done = false;
    const added = archive.catalog.addCaptures([sample()]).then(() => done = true);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(done, false);
    other.exec("ROLLBACK");
    other.close();
    await added;
    archive.close();
  });
});

Deno.test("Database.transaction() gives up as busy after a while", async () => {
  await inFolder(async (folder) => {
    let now = 0;
    let sleeps = 0;
    const clock = {
      now: () => 0,
      monotonicMs: () => now,
      sleep: (ms: number) => {
        now += ms;
        sleeps++;
        return Promise.resolve();
      },
    };
    const archive = await openArchive(folder, { clock });
    const other = new DatabaseSync(join(folder, "catalog.sqlite"));
    other.exec("BEGIN IMMEDIATE");
    await rejectsWith("busy", () => archive.catalog.addCaptures([sample()]));
    assertGreater(sleeps, 10);
    other.close();
    archive.close();
  });
});

Deno.test("Database says so where a page is damaged", async () => {
  await inFolder(async (folder) => {
    const archive = await openArchive(folder);
    await archive.catalog.addCaptures(Array.from({ length: 200 }, () => sample({ subject: "some words" })));
    archive.close();
    const file = join(folder, "catalog.sqlite");
    const bytes = await Deno.readFile(file);
    bytes.fill(0xee, 4096, bytes.length);
    await Deno.writeFile(file, bytes);
    await rejectsWith("damaged", async () => {
      const damaged = await openArchive(folder);
      try {
        await damaged.catalog.totals();
      } finally {
        damaged.close();
      }
    });
  });
});
