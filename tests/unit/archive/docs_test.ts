import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { APPLICATION_ID } from "../../../src/archive/schema.ts";
import type { Archive } from "../../../src/archive/types.ts";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { extractMessage } from "../../../src/message/extract.ts";
import { recipient, sample, sender, sha256, withArchive } from "./samples.ts";

const page = await Deno.readTextFile(new URL("../../../docs/archive-format.md", import.meta.url));

/** The commands of the page that are run in a shell. */
const COMMANDS = Array.from(page.matchAll(/```sh\n(.*?)```/gs), ([, command = ""]) => command);

const INVOICE = "From: billing@other.example\r\nTo: ben@company.example\r\nSubject: Invoice 4711\r\n" +
  "Date: Tue, 24 Nov 2026 10:01:00 +0000\r\n\r\nPlease pay the invoice\r\n";

/** What each command has to print, in order. */
const OUTPUTS: readonly RegExp[] = [
  new RegExp(sha256(encodeUtf8(INVOICE))),
  /^$/,
  /2026-11-24 10:01:00 +billing@other.example +Invoice 4711/,
  /^$/,
  /^07ff3a[0-9a-f]{58}\|Invoice 4711\n$/,
  /^INVOICE\|accepted\|127.0.0.1\|billing@other.example\|250 Ok\n$/,
  /nightly +2026-11-24T02:00:00.000Z/,
  /^x.eml\|no user has x@y.example\n$/,
  /^ok\n$/,
  /^$/,
];

const tools = (await Promise.all(["zstd", "sqlite3", "sha256sum", "sh"].map(installed))).every((found) => found);

Deno.test({
  name: "docs/archive-format.md shows commands that get at the mails",
  ignore: !tools,
  async fn() {
    await withArchive(async (archive, folder) => {
      await fill(archive);
      for (const [index, command] of COMMANDS.entries()) {
        const here = command.replaceAll("/tmp/", `${folder}/`);
        const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-e", "-c", here], cwd: archive.path })
          .output();
        assertEquals([code, new TextDecoder().decode(stderr)], [0, ""], command);
        assert(OUTPUTS[index]?.test(new TextDecoder().decode(stdout)), `${command}${new TextDecoder().decode(stdout)}`);
      }
      assertEquals(COMMANDS.length, OUTPUTS.length);
      assertEquals(await Deno.readTextFile(join(folder, "mail.eml")), INVOICE);
      assertEquals(Array.from(Deno.readDirSync(join(folder, "anna"))).length, 1);
      assertEquals(Array.from(Deno.readDirSync(join(folder, "backup")), ({ name }) => name).sort(), [
        "catalog.sqlite",
        "store",
      ]);
    });
  },
});

Deno.test("docs/archive-format.md names every table, and the numbers of the database", async () => {
  await withArchive((archive) => {
    const database = new DatabaseSync(join(archive.path, "catalog.sqlite"));
    const names = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'mail\\_text\\_%' ESCAPE '\\'",
    ).all().map(({ name }) => String(name));
    database.close();
    for (const name of names) assertStringIncludes(page, `\n| \`${name}\` `);
    assertStringIncludes(page, String(APPLICATION_ID));
    return Promise.resolve();
  });
});

Deno.test("docs/archive-format.md shows how to search by hand", async () => {
  await withArchive(async (archive) => {
    await fill(archive);
    const [one = "", all = ""] = Array.from(page.matchAll(/```sql\n(.*?)```/gs), ([, sql = ""]) => sql);
    using database = new DatabaseSync(join(archive.path, "catalog.sqlite"));
    const subjects = (sql: string) => database.prepare(sql).all().map(({ subject }) => subject);
    assertEquals(subjects(one), ["Invoice 4711"]);
    assertEquals(subjects(String(database.prepare(all).get()?.["statement"])), ["Invoice 4711"]);
  }, { indexPartMails: 1 });
});

async function fill({ store, catalog }: Archive): Promise<void> {
  const run = { profile: "nightly", started: "2026-11-24T02:00:00.000Z" };
  const left = { file: "x.eml", code: "unassigned", reason: "no user has x@y.example", addresses: ["x@y.example"] };
  await catalog.finishRun(await catalog.startRun(run), {
    ...{
      ...run,
      finished: run.started,
      found: 1,
      archived: 0,
      alreadyArchived: 0,
      unassigned: 1,
      failed: 0,
      deleted: 0,
    },
    ...{ bytes: 0, notArchived: [left] },
  });
  for (const [id, mail] of [["INVOICE", INVOICE], ["OTHER", "Subject: other\r\n\r\nText\r\n"]] as const) {
    await store.put(encodeUtf8(mail));
    const { capture, ...captured } = sample({
      id,
      mail,
      ...await extractMessage(encodeUtf8(mail)),
      addresses: [sender("billing@other.example"), recipient(id === "INVOICE" ? "Ben@company.example" : "x@y.example")],
      users: [id === "INVOICE" ? "ben" : "anna"],
    });
    const report = { version: 1, smtp: { mailFrom: "billing@other.example", reply: "250 Ok" } };
    await catalog.addCaptures([{ ...captured, capture: { ...capture, report } }]);
  }
}

async function installed(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    console.warn(`${program} is missing: the test of the documented commands is skipped`);
    return false;
  }
}
