import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { roomLogger } from "../../../src/base/log.ts";
import { openSeenMails, type SeenMail } from "../../../src/pop3/seen.ts";

const log = roomLogger("pop3");
const mail: SeenMail = { account: "pop.example:110/anna", uid: "u1", sha256: "a".repeat(64) };

async function withFile(test: (path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    test(join(folder, "seen.db"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function numbered(number: number): SeenMail {
  return { ...mail, uid: String(number) };
}

Deno.test("SeenMails tells apart by account, UID and content", () =>
  withFile((path) => {
    const seen = openSeenMails(path, log);
    assertEquals(seen.has(mail), false);
    seen.add(mail);
    seen.add(mail);
    assertEquals(seen.has(mail), true);
    assertEquals(seen.has({ ...mail, account: "pop.example:110/bert" }), false);
    assertEquals(seen.has({ ...mail, uid: "u2" }), false);
    assertEquals(seen.has({ ...mail, sha256: "b".repeat(64) }), false);
    assertEquals(seen.has({ ...mail, account: mail.account + "u", uid: "1" }), false);
    seen.close();
  }));

Deno.test("SeenMails remembers over a restart", () =>
  withFile((path) => {
    const first = openSeenMails(path, log);
    first.add(mail);
    first.close();
    const second = openSeenMails(path, log);
    assertEquals(second.has(mail), true);
    second.close();
  }));

Deno.test("SeenMails forgets first what wasn't fetched for the longest time", () =>
  withFile((path) => {
    const seen = openSeenMails(path, log, 100);
    for (let number = 0; number < 100; number++) seen.add(numbered(number));
    assertEquals(seen.has(numbered(0)), true);
    seen.add(numbered(100));
    assertEquals([0, 1, 2, 3, 99, 100].map((number) => seen.has(numbered(number))), [
      true,
      false,
      false,
      true,
      true,
      true,
    ]);
    for (let number = 200; number < 1000; number++) seen.add(numbered(number));
    const kept = Array.from({ length: 1000 }, (_, number) => seen.has(numbered(number))).filter(Boolean).length;
    assertEquals(kept <= 100 && kept >= 98, true);
    seen.close();
  }));

Deno.test("SeenMails remembers over a restart which mails were fetched again", () =>
  withFile((path) => {
    const first = openSeenMails(path, log, 100);
    for (let number = 0; number < 100; number++) first.add(numbered(number));
    assertEquals(first.has(numbered(0)), true);
    first.close();
    const second = openSeenMails(path, log, 100);
    second.add(numbered(100));
    assertEquals([0, 1, 2, 3].map((number) => second.has(numbered(number))), [true, false, false, true]);
    second.close();
  }));

Deno.test("SeenMails keeps what is fetched time and again, whatever others come", () =>
  withFile((path) => {
    const seen = openSeenMails(path, log, 100);
    seen.add(mail);
    for (let number = 0; number < 1000; number++) {
      if (number % 30 === 0) assertEquals(seen.has(mail), true, `${number}`);
      seen.add(numbered(number));
    }
    seen.close();
  }));

Deno.test("SeenMails starts anew where the file is damaged", () =>
  withFile((path) => {
    Deno.writeTextFileSync(path, "this is no database".repeat(1000));
    const seen = openSeenMails(path, log);
    seen.add(mail);
    assertEquals(seen.has(mail), true);
    seen.close();
  }));

Deno.test("SeenMails counts what can't be looked up as not seen", () =>
  withFile((path) => {
    const seen = openSeenMails(path, log);
    seen.add(mail);
    seen.close();
    assertEquals(seen.has(mail), false);
    seen.add(mail);
  }));

Deno.test("openSeenMails() says where the file can't be", () =>
  withFile((path) => {
    assertThrows(() => openSeenMails(join(path, "missing", "seen.db"), log), MailteeError, "seen.db");
  }));
