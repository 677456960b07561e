import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { join } from "@std/path";
import { openArchive } from "../../../src/archive/archive.ts";
import type { NewCapture, RunProtocol, SeenFile } from "../../../src/archive/types.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { inFolder, pop3User, recipient, sample, sender, sha256, withArchive } from "./samples.ts";

const HOUR = 60 * 60 * 1000;

Deno.test("Catalog.addCaptures() adds mails, captures and assignments", async () => {
  await withArchive(async ({ catalog }) => {
    const capture = sample({
      id: "A",
      subject: "Offer",
      from: "Anna <anna@company.example>",
      to: "ben@other.example",
      cc: "c@x.example",
      messageId: "<1@x>",
      date: Date.UTC(2026, 0, 31, 12),
      attachments: [
        { name: "offer.pdf", contentType: "application/pdf", size: 5 },
        { name: "", contentType: "image/png", size: 5 },
      ],
      addresses: [sender("Anna@Company.example"), recipient("ben@other.example")],
      users: ["ben", "anna"],
    });
    assertEquals(await catalog.addCaptures([capture]), [{ state: "added", newMail: true }]);
    const id = capture.mail.sha256;
    assertEquals(await catalog.mail(id), {
      sha256: id,
      size: capture.mail.size,
      date: Date.UTC(2026, 0, 31, 12),
      subject: "Offer",
      from: "Anna <anna@company.example>",
      to: "ben@other.example",
      cc: "c@x.example",
      messageId: "<1@x>",
      attachments: ["offer.pdf", "image/png"],
      users: ["anna", "ben"],
    });
    assertEquals(await catalog.captures(id), [capture.capture]);
    assertEquals(await catalog.mail("0".repeat(64)), null);
    assertEquals(await catalog.captures("0".repeat(64)), []);
    assertEquals(await catalog.check(), []);
  });
});

Deno.test("Catalog.addCaptures() archives a capture once, whatever its file is called", async () => {
  await withArchive(async ({ catalog }) => {
    const first = sample({ id: "A", mail: "one" });
    const copy: NewCapture = { ...first, capture: { ...first.capture, file: "copy.eml" } };
    const again = sample({ id: "B", mail: "one" });
    const other = sample({ id: "A", mail: "two" });
    assertEquals(await catalog.addCaptures([first, copy, again, other]), [
      { state: "added", newMail: true },
      { state: "already-archived" },
      { state: "added", newMail: false },
      { state: "conflict", archivedSha256: first.mail.sha256 },
    ]);
    assertEquals(await catalog.addCaptures([again]), [{ state: "already-archived" }]);
    assertEquals(await catalog.totals(), {
      mails: 1,
      captures: 2,
      users: 0,
      bytes: 3,
      oldest: first.capture.started,
      newest: first.capture.started,
    });
    assertEquals(
      await catalog.archivedCaptures(["A", "B", "C"]),
      new Map([["A", first.mail.sha256], ["B", first.mail.sha256]]),
    );
    assertEquals([await catalog.isArchived("A"), await catalog.isArchived("C")], [true, false]);
  });
});

Deno.test("Catalog.addCaptures() gives results in the order of the captures, not of their dates", async () => {
  await withArchive(async ({ catalog }) => {
    await catalog.addCaptures([sample({ id: "old", mail: "old", date: Date.UTC(2020, 0) })]);
    const results = await catalog.addCaptures([
      sample({ mail: "new", date: Date.UTC(2026, 0) }),
      sample({ id: "old", mail: "old", date: Date.UTC(2020, 0) }),
      sample({ mail: "middle", date: Date.UTC(2023, 0) }),
    ]);
    assertEquals(results.map(({ state }) => state), ["added", "already-archived", "added"]);
  });
});

Deno.test("Catalog.addCaptures() adds nothing where one of them can't be added", async () => {
  await withArchive(async ({ catalog }) => {
    const failing = { ...sample(), users: new Proxy<string[]>([], { get: () => fail() }) };
    await assertRejects(() => catalog.addCaptures([sample({ id: "A" }), failing]), Error, "broken");
    assertEquals((await catalog.totals()).captures, 0);
    assertEquals((await catalog.addCaptures([sample({ id: "A" })]))[0]?.state, "added");
  });
});

function fail(): never {
  throw new Error("broken");
}

Deno.test("Catalog dates a mail by its capture where its own date can't be right", async () => {
  const now = Date.UTC(2026, 10, 24);
  const started = now - HOUR;
  const clock = { now: () => now, monotonicMs: () => 0, sleep: () => Promise.resolve() };
  await withArchive(async ({ catalog }) => {
    const dates = [null, Date.UTC(1969, 0), Date.UTC(2038, 0), now + HOUR, Date.UTC(1997, 10, 21)];
    const captures = dates.map((date) => sample({ date, started }));
    await catalog.addCaptures(captures);
    const given = await Promise.all(captures.map(async ({ mail }) => (await catalog.mail(mail.sha256))?.date));
    assertEquals(given, [started, started, started, now + HOUR, Date.UTC(1997, 10, 21)]);
  }, { clock });
});

Deno.test("Catalog.syncUsers() gives earlier mails to users whose addresses match now, and never takes one", async () => {
  await withArchive(async ({ catalog }) => {
    const capture = sample({
      addresses: [sender("Boss@Company.example"), recipient("anna@company.example"), pop3User("m123")],
      users: ["anna"],
    });
    await catalog.addCaptures([capture, sample({ addresses: [recipient("m123")] })]);
    const usersOf = async () => (await catalog.mail(capture.mail.sha256))?.users;
    const anna = { name: "anna", addresses: ["anna@company.example"], pop3Users: [] };
    const boss = { name: "boss", addresses: ["boss@*"], pop3Users: [] };
    const collector = { name: "collector", addresses: [], pop3Users: ["M123"] };

    assertEquals(await catalog.syncUsers([anna]), { changed: ["anna"], removed: [], assigned: 0 });
    assertEquals(await catalog.syncUsers([anna]), { changed: [], removed: [], assigned: 0 });
    assertEquals(await catalog.syncUsers([anna, boss, collector]), {
      changed: ["boss", "collector"],
      removed: [],
      assigned: 2,
    });
    assertEquals(await usersOf(), ["anna", "boss", "collector"]);
    assertEquals(await catalog.syncUsers([{ ...anna, addresses: ["a@company.example"] }]), {
      changed: ["anna"],
      removed: ["boss", "collector"],
      assigned: 0,
    });
    assertEquals(await usersOf(), ["anna", "boss", "collector"]);
    assertEquals(await catalog.users(), [
      { name: "anna", addresses: ["a@company.example"], pop3Users: [], mails: 1, removed: false },
      { ...boss, mails: 1, removed: true },
      { ...collector, mails: 1, removed: true },
    ]);
    assertEquals((await catalog.syncUsers([{ ...anna, addresses: ["a@company.example"] }, boss])).changed, ["boss"]);
  });
});

Deno.test("Catalog keeps what each run left, and each line of it once", async () => {
  await withArchive(async ({ catalog, path }) => {
    const started = "2026-11-24T02:00:00.000Z";
    const counts = { found: 1, archived: 0, alreadyArchived: 0, unassigned: 1, failed: 0, deleted: 0, bytes: 0 };
    const line = (file: string, reason = "nobody has it") => ({
      ...{ file, code: "unassigned", reason },
      addresses: [`${file}@y.example`, "z@y.example"],
    });
    const lists = [
      [line("a"), line("b"), line("c")],
      [line("a"), line("b"), line("c"), line("d")],
      [],
      [line("a"), line("c"), line("d", "nobody has it yet"), line("e")],
      [line("d"), line("a")],
    ];
    for (const notArchived of lists) {
      const id = await catalog.startRun({ profile: "nightly", started });
      await catalog.finishRun(id, { profile: "nightly", started, finished: started, ...counts, notArchived });
    }
    const runs = await catalog.runs();
    assertEquals(runs.map(({ protocol }) => protocol?.notArchived).toReversed(), lists);
    using database = new DatabaseSync(join(path, "catalog.sqlite"), { readOnly: true });
    assertEquals({ ...database.prepare("SELECT count(*) AS lines FROM left_file").get() }, { lines: 6 });
  });
});

Deno.test("Catalog keeps runs with their protocols, newest first", async () => {
  await withArchive(async ({ catalog }) => {
    const started = "2026-11-24T02:00:00.000Z";
    const protocol: RunProtocol & { readonly more: string } = {
      profile: "nightly",
      started,
      finished: "2026-11-24T02:01:00.000Z",
      found: 2,
      archived: 1,
      alreadyArchived: 0,
      unassigned: 1,
      failed: 0,
      deleted: 0,
      bytes: 10,
      notArchived: [{ file: "x.eml", code: "unassigned", reason: "nobody has it", addresses: ["x@y.example"] }],
      more: "fields are kept",
    };
    const first = await catalog.startRun({ profile: "nightly", started });
    const second = await catalog.startRun({ profile: "other", started });
    const third = await catalog.startRun({ profile: "nightly", started });
    await catalog.finishRun(first, protocol);
    assertEquals((await catalog.runs()).map(({ id }) => id), [third, second, first]);
    assertEquals(await catalog.runs({ profile: "nightly" }), [
      { id: third, profile: "nightly", started, protocol: null },
      { id: first, profile: "nightly", started, protocol },
    ]);
    assertEquals((await catalog.runs({ limit: 1 })).map(({ id }) => id), [third]);
    assertMatch(first, /^[0-9A-Z]{26}$/);
    await catalog.addCaptures([sample()], third);
    await assertRejects(() => catalog.addCaptures([sample()], "no such run"), MailteeError);
  });
});

Deno.test("Catalog remembers and forgets the files of a drop folder", async () => {
  await withArchive(async ({ catalog }) => {
    const seen = (file: string, size: number): SeenFile => ({
      file,
      size,
      modified: Date.UTC(2026, 0),
      captureId: "A",
      state: "unassigned",
      addresses: [recipient("x@y.example")],
    });
    await catalog.updateSeenFiles("/drop", { remember: [seen("a", 1), seen("b", 1)] });
    await catalog.updateSeenFiles("/other", { remember: [{ ...seen("c", 1), state: "archived", addresses: [] }] });
    await catalog.updateSeenFiles("/drop", { remember: [seen("b", 2)], forget: ["a", "none"] });
    assertEquals(await catalog.seenFiles("/drop"), new Map([["b", seen("b", 2)]]));
    assertEquals((await catalog.seenFiles("/other")).get("c")?.state, "archived");
    assertEquals((await catalog.seenFiles("/none")).size, 0);
  });
});

Deno.test("Catalog.resolveId() takes an ID or a beginning of it that is unique", async () => {
  await withArchive(async ({ catalog }) => {
    const captures = Array.from({ length: 30 }, (_, index) => {
      const capture = sample();
      const digits = `${index < 15 ? "abcdef00" : "abcdef11"}${index.toString(16).padStart(2, "0")}`;
      return { ...capture, mail: { ...capture.mail, sha256: digits.padEnd(64, "0") } };
    });
    await catalog.addCaptures(captures);
    const first = "abcdef0000".padEnd(64, "0");
    assertEquals(await catalog.resolveId(first), { kind: "found", sha256: first });
    assertEquals(await catalog.resolveId(" ABCDEF0000 "), { kind: "found", sha256: first });
    const ambiguous = await catalog.resolveId("abcdef");
    assert(ambiguous.kind === "ambiguous");
    assertEquals(ambiguous.candidates.length, 10);
    assertEquals(ambiguous.candidates[0], first);
    assertEquals(await catalog.resolveId("abcdee"), { kind: "not-found" });
    for (const spelled of ["abcde", "", "abcdeg", "0".repeat(65), "'; DROP", "%"]) {
      assertEquals((await catalog.resolveId(spelled)).kind, "invalid", spelled);
    }
  });
});

Deno.test("Catalog.allMails() gives every mail once, in the order of hashes", async () => {
  await withArchive(async ({ catalog }) => {
    const captures = Array.from({ length: 2500 }, () => sample());
    await catalog.addCaptures(captures);
    const hashes = (await Array.fromAsync(catalog.allMails())).map(({ sha256 }) => sha256);
    assertEquals(hashes, captures.map(({ mail }) => mail.sha256).sort());
  });
});

Deno.test("Catalog.close() and opening again keep everything", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "archive");
    const first = await openArchive(path);
    const { archiveId } = first.catalog;
    await first.catalog.addCaptures([sample({ mail: "kept" })]);
    first.close();
    const again = await openArchive(path, { readOnly: true });
    assertEquals(again.catalog.archiveId, archiveId);
    assertEquals((await again.catalog.mail(sha256(new TextEncoder().encode("kept"))))?.size, 4);
    await assertRejects(() => again.catalog.addCaptures([sample()]), TypeError);
    again.close();
  });
});
