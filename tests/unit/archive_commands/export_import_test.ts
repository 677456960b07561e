import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { command as archive } from "../../../src/cli/archive.ts";
import { command as exportCommand } from "../../../src/cli/export.ts";
import { command as importCommand } from "../../../src/cli/import.ts";
import { command as search } from "../../../src/cli/search.ts";
import { type CommandRoom, inCommandRoom } from "./command_room.ts";

const MAILS = ["one", "two"].map((subject) => `From: a@b.example\r\nSubject: ${subject}\r\n\r\nFrom ${subject}\r\n`);

function withMails(test: (room: CommandRoom) => Promise<void>): Promise<void> {
  return inCommandRoom(async (room) => {
    for (const mail of MAILS) await room.capture(mail);
    await room.run(archive, "--profile", "nightly");
    await test(room);
  });
}

async function ids(room: CommandRoom): Promise<string[]> {
  const lines = (await room.run(search, "from:a@b.example", "--json")).json();
  return lines.map((line) => `${Object(line).id} ${Object(line).users}`).sort();
}

Deno.test("mailtee export writes eml files with the exact octets", () =>
  withMails(async (room) => {
    const to = join(room.folder, "out");
    const { code, out } = await room.run(exportCommand, "from:a@b.example", "--to", to);
    assertEquals([code, out], [0, `2 mails (${MAILS.join("").length} bytes) written to ${to}.\n`]);
    const files = Array.from(Deno.readDirSync(to), ({ name }) => name).sort();
    for (const name of files) assertMatch(name, /^\d{8}T\d{6}Z (one|two) [0-9a-f]{12}\.eml$/);
    const octets = await Promise.all(files.map((name) => Deno.readTextFile(join(to, name))));
    assertEquals(octets.sort(), MAILS);
  }));

Deno.test("mailtee export writes what it is told, and an import gives it back", async (t) => {
  for (const format of ["eml", "mbox"]) {
    await t.step(format, () =>
      withMails(async (room) => {
        const before = await ids(room);
        const to = join(room.folder, `out.${format}`);
        const { code, json } = await room.run(
          exportCommand,
          "from:a@b.example",
          "--to",
          to,
          "--format",
          format,
          "--json",
        );
        assertEquals([code, json()], [0, [{ format, to, mails: 2, bytes: MAILS.join("").length, notExported: [] }]]);
        await Deno.remove(join(room.folder, "archive"), { recursive: true });
        const first = await room.run(importCommand, to, "--user", "anna");
        assertEquals([first.code, first.out.split(";")[0]], [0, "Import for anna: 2 found, 2 archived"]);
        assertEquals(await ids(room), before);
        const again = await room.run(importCommand, to, "--user", "anna", "--json");
        assertStringIncludes(JSON.stringify(again.json()[0]), `"found":2,"archived":0,"alreadyArchived":2`);
      }));
  }
});

Deno.test("mailtee export never replaces anything without --force", () =>
  withMails(async (room) => {
    const to = join(room.folder, "out.mbox");
    await Deno.writeTextFile(to, "precious");
    await assertRejects(() => room.run(exportCommand, "from:a", "--to", to), MailteeError, "is there already");
    assertEquals(await Deno.readTextFile(to), "precious");
    assertEquals((await room.run(exportCommand, "from:a", "--to", to, "--force")).code, 0);
    assertStringIncludes(await Deno.readTextFile(to), "\n>From one\n");
    await assertRejects(() => room.run(exportCommand, "from:a", "--to", room.folder), MailteeError, "is there already");
    await assertRejects(() => room.run(exportCommand, "from:a"), MailteeError, "Where to?");
    await assertRejects(
      () => room.run(exportCommand, "from:a", "--to", to, "--format", "pst"),
      MailteeError,
      "--format",
    );
  }));

Deno.test("mailtee export passes a damaged mail over, names it and exits 3", () =>
  withMails(async (room) => {
    const store = [...walk(join(room.folder, "archive"))].filter((path) => /[0-9a-f]{64}/.test(path));
    await Deno.writeFile(store[0] ?? "", new Uint8Array([1, 2, 3]));
    const to = join(room.folder, "out.zip");
    const { code, json } = await room.run(exportCommand, "from:a", "--to", to, "--json");
    assertEquals(code, 3);
    assertStringIncludes(JSON.stringify(json()[0]), `"mails":1`);
    assertStringIncludes(JSON.stringify(json()[0]), `"code":"damaged"`);
  }));

function* walk(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* walk(path);
    else yield path;
  }
}

Deno.test("mailtee import says what it couldn't take and exits 1", () =>
  inCommandRoom(async (room) => {
    const folder = join(room.folder, "in");
    await Deno.mkdir(folder);
    await Deno.writeTextFile(join(folder, "good.eml"), MAILS[0] ?? "");
    await Deno.writeTextFile(join(folder, "junk"), "no mail");
    const { code, out } = await room.run(importCommand, folder, "--user", "anna");
    assertEquals(code, 1);
    assertStringIncludes(out, "2 found, 1 archived, 1 failed");
    assertStringIncludes(out, "junk  malformed: it isn't a mail");
    const typo = await assertRejects(() => room.run(importCommand, folder, "--user", "ana"), MailteeError, "'ana'");
    assertEquals(typo.hint, "Did you mean 'anna'?");
  }));

Deno.test("mailtee import assigns by the envelope, and needs --user where there is none", () =>
  inCommandRoom(async (room) => {
    const batch = join(room.folder, "batch");
    await Deno.writeTextFile(batch, `MAIL FROM:<a@b.example>\nRCPT TO:<bert@company.example>\nDATA\n${MAILS[0]}.\n`);
    assertEquals((await room.run(importCommand, batch)).code, 0);
    await Deno.writeTextFile(join(room.folder, "x.eml"), MAILS[1] ?? "");
    const { code, out } = await room.run(importCommand, join(room.folder, "x.eml"));
    assertEquals(code, 1);
    assertStringIncludes(out, "unassigned: it has no envelope, and no user was named");
    await room.run(importCommand, batch, "--user", "anna");
    assertMatch((await ids(room)).join(), / anna,bert$/);
  }));

Deno.test("mailtee import takes a capture with its report, once, also where a profile has it already", () =>
  inCommandRoom(async (room) => {
    const file = join(room.drop, await room.capture(encodeUtf8(MAILS[0] ?? "")));
    assertStringIncludes((await room.run(importCommand, file)).out, "1 archived");
    assertStringIncludes((await room.run(archive, "--profile", "nightly")).out, "1 already archived");
    assertStringIncludes((await room.run(importCommand, file)).out, "1 already archived");
    await room.run(importCommand, file, "--user", "bert");
    assertMatch((await ids(room)).join(), / anna,bert$/);
  }));

Deno.test("an unassigned capture that was imported for a user is archived for the profile, too", () =>
  inCommandRoom(async (room) => {
    const file = join(room.drop, await room.capture(MAILS[0] ?? "", "nobody@company.example"));
    assertEquals((await room.run(archive, "--profile", "nightly")).code, 1);
    await room.run(importCommand, file, "--user", "anna");
    assertEquals((await room.run(archive, "--profile", "nightly")).code, 0);
  }));
