import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { command as archive } from "../../../src/cli/archive.ts";
import { command as verify } from "../../../src/cli/verify.ts";
import { type CommandRoom, inCommandRoom } from "./command_room.ts";

const MAIL = "From: a@b.example\r\nSubject: precious\r\n\r\ntext\r\n";
const ID = createHash("sha256").update(MAIL).digest("hex");

function withMail(test: (room: CommandRoom, stored: string, file: string) => Promise<void>): Promise<void> {
  return inCommandRoom(async (room) => {
    const file = await room.capture(MAIL);
    await room.run(archive, "--profile", "nightly");
    await test(room, join(room.folder, "archive", "store", ID.slice(0, 2), `${ID}.eml.zst`), file);
  });
}

Deno.test("mailtee verify says that there is no damage", () =>
  withMail(async (room) => {
    const { code, out } = await room.run(verify);
    assertEquals([code, out], [0, "1 mail checked: no damage.\n"]);
    const { json } = await room.run(verify, "--json");
    assertEquals(json(), [{ checked: 1, damages: [], leftovers: [] }]);
  }));

Deno.test("mailtee verify lists damage in words, with whose mail it is and how it came, and exits 3", () =>
  withMail(async (room, stored, file) => {
    await Deno.remove(stored);
    const { code, out } = await room.run(verify);
    assertEquals(code, 3);
    const [head, damage, mail, users, capture] = out.split("\n");
    assertEquals(head, "1 mail checked: 1 damage.");
    assertEquals(damage, `  ${ID.slice(0, 12)}  missing: its file is missing from the store`);
    assertStringIncludes(mail ?? "", "from a@b.example: precious");
    assertEquals(users, "    belongs to anna");
    assertStringIncludes(capture ?? "", file);
    assertStringIncludes((await room.run(verify, "--json")).out, `"damages":[{"code":"missing",`);
  }));

Deno.test("mailtee verify finds a flipped bit", () =>
  withMail(async (room, stored) => {
    const octets = await Deno.readFile(stored);
    const middle = octets.length >> 1;
    octets[middle] = (octets[middle] ?? 0) ^ 1;
    await Deno.writeFile(stored, octets);
    const { code, out } = await room.run(verify);
    assertEquals(code, 3);
    assertStringIncludes(out, `${ID.slice(0, 12)}  content: `);
  }));

Deno.test("mailtee verify counts leftovers, which are no damage", () =>
  withMail(async (room) => {
    await Deno.writeTextFile(join(room.folder, "archive", "store", "note"), "hello");
    const { code, out } = await room.run(verify);
    assertEquals(code, 0);
    assertStringIncludes(out, "Leftovers, which do no harm:\n  1 file not the archive's own: ");
  }));

Deno.test("mailtee verify says where there is no archive yet", () =>
  inCommandRoom(async (room) => {
    const error = await assertRejects(() => room.run(verify), MailteeError);
    assertEquals(error.code, "not-found");
  }));
