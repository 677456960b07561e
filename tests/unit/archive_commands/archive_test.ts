import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { MailteeError } from "../../../src/base/errors.ts";
import { command as archive } from "../../../src/cli/archive.ts";
import { command as runs } from "../../../src/cli/runs.ts";
import { CONFIG, inCommandRoom } from "./command_room.ts";

const MAIL = "From: a@b.example\r\nSubject: one\r\n\r\ntext\r\n";

Deno.test("mailtee archive prints the result protocol and exits 0 where everything is archived", () =>
  inCommandRoom(async (room) => {
    await room.capture(MAIL);
    const { code, out } = await room.run(archive, "--profile", "nightly");
    assertEquals(code, 0);
    assertMatch(out, /^Profile nightly: 1 found, 1 archived; 41 bytes in \d+\.\d s\.\n$/);
  }));

Deno.test("mailtee archive exits 1 and names what wasn't archived, a line each", () =>
  inCommandRoom(async (room) => {
    await room.capture(MAIL);
    const file = await room.capture(MAIL, "nobody@company.example");
    await Deno.writeTextFile(`${room.drop}/notes.txt`, "hello");
    const { code, out } = await room.run(archive, "--profile", "nightly");
    assertEquals(code, 1);
    assertEquals(out.split("\n").slice(1), [
      "Not archived:",
      `  ${file}  unassigned: no user has stranger@elsewhere.example, nobody@company.example`,
      "  notes.txt  malformed: it isn't a capture: it doesn't begin with the header of a capture",
      "",
    ]);
  }));

Deno.test("mailtee archive --json prints one object", () =>
  inCommandRoom(async (room) => {
    await room.capture(MAIL);
    const { out, json } = await room.run(archive, "--profile", "nightly", "--json");
    assertEquals(out.split("\n").length, 2);
    const [result] = json();
    assertStringIncludes(JSON.stringify(result), `"profile":"nightly"`);
    assertStringIncludes(
      JSON.stringify(result),
      `"found":1,"archived":1,"alreadyArchived":0,"unassigned":0,"failed":0`,
    );
  }));

Deno.test("mailtee archive asks which profile, and finds what a typo meant", () =>
  inCommandRoom(async (room) => {
    const which = await assertRejects(() => room.run(archive), MailteeError, "Which profile?");
    assertStringIncludes(which.hint ?? "", "nightly, weekly");
    const typo = await assertRejects(() => room.run(archive, "--profile", "nihgtly"), MailteeError, "'nihgtly'");
    assertEquals([typo.code, typo.hint], ["usage", "Did you mean 'nightly'?"]);
    const inherited = await assertRejects(() => room.run(archive, "--profile", "toString"), MailteeError);
    assertEquals(inherited.code, "usage");
  }));

Deno.test("mailtee archive runs the only profile without being told", () =>
  inCommandRoom(async (room) => {
    await room.configure(CONFIG.replace(/ {2}weekly.*\n/, ""));
    assertStringIncludes((await room.run(archive)).out, "Profile nightly: 0 found");
  }));

Deno.test("mailtee archive says that a config has no archive", () =>
  inCommandRoom(async (room) => {
    await room.configure(
      "proxies: [{ kind: smtp, listen: [{ address: 127.0.0.1, port: 2525 }], target: { host: a.example } }]",
    );
    const error = await assertRejects(() => room.run(archive), MailteeError, "has no archive");
    assertEquals(error.code, "config");
  }));

Deno.test("mailtee runs lists runs, newest first, and shows one whole", () =>
  inCommandRoom(async (room) => {
    const file = await room.capture(MAIL, "nobody@company.example");
    await room.run(archive, "--profile", "nightly");
    await room.run(archive, "--profile", "weekly");
    const table = (await room.run(runs)).out.split("\n");
    assertMatch(table[0] ?? "", /^started +profile +state +found +archived/);
    assertMatch(table[1] ?? "", /weekly +incomplete +1 +0 /);
    assertMatch(table[2] ?? "", /nightly +incomplete +1 +0 /);
    const listed = (await room.run(runs, "--json", "--profile", "nightly")).json();
    assertEquals(listed.length, 1);
    const id = /"id":"([0-9A-Z]{26})"/.exec(JSON.stringify(listed[0]))?.[1] ?? "";
    assertStringIncludes((await room.run(runs, id)).out, `${file}  unassigned: `);
    assertEquals((await room.run(runs, id, "--json")).json(), listed);
    await assertRejects(() => room.run(runs, "0000"), MailteeError, "no run");
  }));

Deno.test("mailtee runs limits its list", () =>
  inCommandRoom(async (room) => {
    for (let run = 0; run < 3; run++) await room.run(archive, "--profile", "nightly");
    assertEquals((await room.run(runs, "--json", "--limit", "2")).json().length, 2);
    await assertRejects(() => room.run(runs, "--limit", "0"), MailteeError, "--limit");
  }));
