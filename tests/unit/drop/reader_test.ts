import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { concatBytes } from "../../../src/base/bytes.ts";
import { type ErrorCode, MailteeError } from "../../../src/base/errors.ts";
import { openMail, readCapture, readMail, readSmallCapture } from "../../../src/drop/reader.ts";
import type { CaptureStart } from "../../../src/drop/types.ts";
import { openDropWriter } from "../../../src/drop/writer.ts";
import { bigMail, MAIL, pop3Start, POSIX, smtpStart, withFolder } from "./samples.ts";

/** Writes one capture and gives its path. */
async function written(folder: string, mail: Uint8Array = MAIL, start: CaptureStart = smtpStart()): Promise<string> {
  const writer = await openDropWriter(folder);
  const capture = writer.begin(start);
  capture.write(mail);
  await capture.seal();
  const path = await capture.commit(
    start.smtp === undefined ? { outcome: "retrieved" } : { outcome: "accepted", reply: "250 Ok" },
  );
  await writer.close();
  return path;
}

async function refused(path: string, code: ErrorCode, words: string): Promise<void> {
  const error = await assertRejects(() => readCapture(path), MailteeError, words);
  assertEquals(error.code, code, error.message);
  assertStringIncludes(error.message, POSIX ? path : "");
}

Deno.test("readCapture() reads a capture of any name", () =>
  withFolder(async (folder) => {
    const path = await written(folder);
    const copy = join(folder, "copy of a mail");
    Deno.copyFileSync(path, copy);
    assertEquals((await readCapture(copy)).report, (await readCapture(path)).report);
  }));

Deno.test("readCapture() reads only the two ends of a large capture", () =>
  withFolder(async (folder) => {
    const file = await readCapture(await written(folder, bigMail(3_000_000)));
    assertEquals(file.report.mail.size, 3_000_000);
    const chunks = await Array.fromAsync(openMail(file));
    assert(chunks.every((chunk) => chunk.length <= 65536));
    assertEquals(concatBytes(chunks), await readMail(file));
  }));

Deno.test("readSmallCapture() gives the mail of a small capture, and none of a larger one", () =>
  withFolder(async (folder) => {
    const path = await written(folder);
    const { size } = Deno.statSync(path);
    const capture = await readCapture(path);
    assertEquals(await readSmallCapture(path, size), { capture, mail: MAIL });
    assertEquals(await readSmallCapture(path, size - 1), { capture, mail: null });
  }));

Deno.test("readSmallCapture() refuses whatever readCapture() and readMail() refuse", () =>
  withFolder(async (folder) => {
    const path = await written(folder);
    const octets = Deno.readFileSync(path);
    const changed = octets.slice();
    const { mailOffset } = await readCapture(path);
    changed[mailOffset] = (changed[mailOffset] ?? 0) ^ 1;
    Deno.writeFileSync(path, changed);
    await assertRejects(() => readSmallCapture(path, octets.length), MailteeError, "its SHA-256 differs");
    for (let length = 0; length < octets.length; length += 17) {
      Deno.writeFileSync(path, octets.subarray(0, length));
      const expected = await assertRejects(() => readCapture(path), MailteeError);
      const error = await assertRejects(() => readSmallCapture(path, octets.length), MailteeError);
      assertEquals([error.code, error.message], [expected.code, expected.message]);
    }
  }));

Deno.test("readCapture() reads captures with many recipients", () =>
  withFolder(async (folder) => {
    const recipients = Array.from({ length: 3000 }, (_, i) => ({
      address: `recipient-${i}@a-long-domain-name.company.example`,
      params: ["NOTIFY=SUCCESS,FAILURE", `ORCPT=rfc822;recipient-${i}@a-long-domain-name.company.example`],
      reply: "250 2.1.5 Ok",
    }));
    const file = await readCapture(await written(folder, MAIL, smtpStart({ recipients })));
    assertEquals(file.report.smtp?.recipients, recipients);
    assertEquals(await readMail(file), MAIL);
  }));

Deno.test("readCapture() refuses a capture that is cut off anywhere, or longer than it says", () =>
  withFolder(async (folder) => {
    const path = await written(folder);
    const bytes = Deno.readFileSync(path);
    const cut = join(folder, "cut");
    const marked = new TextDecoder().decode(bytes).indexOf("X-Mailtee-Capture: 1") + "X-Mailtee-Capture: 1\r".length;
    for (let length = 0; length < bytes.length; length += 13) {
      Deno.writeFileSync(cut, bytes.subarray(0, length));
      if (length < marked) await refused(cut, "malformed", "doesn't begin with the header of a capture");
      else await refused(cut, "damaged", "cut off");
    }
    const { mailOffset } = await readCapture(path);
    for (const extra of [1, 100_000]) {
      const longer = [bytes.subarray(0, mailOffset), new Uint8Array(extra), bytes.subarray(mailOffset)];
      Deno.writeFileSync(cut, concatBytes(longer));
      await refused(cut, "damaged", `it holds ${MAIL.length + extra} octets of mail, its report says ${MAIL.length}`);
    }
    Deno.writeFileSync(cut, concatBytes([bytes, new Uint8Array([10])]));
    await refused(cut, "damaged", "cut off");
  }));

Deno.test("readCapture() or readMail() notices a flipped bit anywhere but in the outer texts", () =>
  withFolder(async (folder) => {
    const path = await written(folder);
    const bytes = Deno.readFileSync(path);
    const { mailOffset } = await readCapture(path);
    const flipped = join(folder, "flipped");
    for (let at = mailOffset; at < mailOffset + MAIL.length; at++) {
      const copy = bytes.slice();
      copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
      Deno.writeFileSync(flipped, copy);
      const error = await assertRejects(async () => await readMail(await readCapture(flipped)), MailteeError);
      assertEquals(error.code, "damaged");
      assertStringIncludes(error.message, "SHA-256");
    }
  }));

Deno.test("openMail() tells that the file became shorter, or is gone", () =>
  withFolder(async (folder) => {
    const file = await readCapture(await written(folder, bigMail(200_000)));
    Deno.truncateSync(file.path, 150_000);
    const short = await assertRejects(() => readMail(file), MailteeError, "lacks the mail's last");
    assertEquals(short.code, "damaged");
    Deno.removeSync(file.path);
    assertEquals((await assertRejects(() => readMail(file), MailteeError)).code, "not-found");
  }));

Deno.test("openMail() closes its file when the consumer stops early", () =>
  withFolder(async (folder) => {
    const file = await readCapture(await written(folder, bigMail(200_000)));
    for await (const chunk of openMail(file)) {
      assertEquals(chunk.length, 65536);
      break;
    }
  }));

Deno.test("readCapture() refuses what isn't a capture, in words", () =>
  withFolder(async (folder) => {
    const foreign = (name: string, text: string) => {
      const path = join(folder, name);
      Deno.writeTextFileSync(path, text);
      return path;
    };
    await refused(foreign("empty", ""), "malformed", "doesn't begin");
    await refused(foreign("mail", "Subject: a mail\r\n\r\nbody"), "malformed", "no X-Mailtee-Capture field");
    await refused(foreign("zip", "PK" + "\0".repeat(100_000)), "malformed", "doesn't begin with the header");
    await refused(join(folder, "missing"), "not-found", "isn't there any more");
    await refused(folder, "malformed", "it's a folder");
    const whole = Deno.readTextFileSync(await written(folder));
    await refused(foreign("newer", whole.replace("Capture: 1", "Capture: 9")), "malformed", "format 9");
    await refused(foreign("lf", whole.replaceAll("\r\n", "\n")), "malformed", "line ends were changed");
    await refused(foreign("json", whole.replace(`"version": 1,`, `"version": 1 `)), "damaged", "isn't JSON");
    const newer = foreign("version", whole.replace(`"version": 1,`, `"version": 3,`));
    const error = await assertRejects(() => readCapture(newer), MailteeError, "version 3");
    assertStringIncludes(error.hint ?? "", "Update mailtee");
  }));

Deno.test("readCapture() gives up on a first part that never ends", () =>
  withFolder(async (folder) => {
    const whole = Deno.readTextFileSync(await written(folder));
    const endless = join(folder, "endless");
    const head = whole.slice(0, whole.indexOf("Sender:"));
    Deno.writeTextFileSync(endless, head + "x".repeat(18 * 1024 * 1024));
    await refused(endless, "malformed", "first part is too long");
  }));

Deno.test({
  name: "readCapture() follows no link, waits for no FIFO and takes no name with control characters",
  ignore: !POSIX,
  fn: () =>
    withFolder(async (folder) => {
      const path = await written(folder, MAIL, pop3Start());
      const link = join(folder, "link");
      Deno.symlinkSync(path, link);
      await refused(link, "malformed", "symbolic link");
      const fifo = join(folder, "fifo");
      await new Deno.Command("mkfifo", { args: [fifo] }).output();
      await refused(fifo, "malformed", "neither a file nor a folder");
      const odd = join(folder, "odd\nname.eml");
      Deno.copyFileSync(path, odd);
      const error = await assertRejects(() => readCapture(odd), MailteeError, "control characters");
      assertEquals([error.code, error.message.includes("\n")], ["malformed", false]);
    }),
});
