import { assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { zipArchive, type ZipSource } from "../../../src/export/zip.ts";
import { endRecords } from "../../../src/export/zip_records.ts";
import { chunked } from "./outgoing_mail.ts";

const MODIFIED = new Date("2026-11-24T11:55:02Z");

function source(name: string, bytes: Uint8Array<ArrayBuffer>, modified = MODIFIED): ZipSource {
  return { name, modified, size: bytes.length, content: chunked(bytes) };
}

async function* each(sources: readonly ZipSource[]): AsyncGenerator<ZipSource> {
  yield* sources;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function run(command: string, args: readonly string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

async function isThere(command: string): Promise<boolean> {
  try {
    await new Deno.Command(command, { args: ["--help"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

const python = await isThere("python3");
const unzip = await isThere("unzip");

/** What Python's zipfile reads: [name, size, sha256, year-month-day hour:minute:second] of each file, and a test of all. */
const READ_ZIP = `
import hashlib, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
  assert z.testzip() is None
  print(json.dumps([[i.filename, i.file_size, hashlib.sha256(z.read(i)).hexdigest(), list(i.date_time)] for i in z.infolist()]))
`;

async function withZip(
  parts: AsyncIterable<Uint8Array<ArrayBuffer>>,
  test: (path: string) => Promise<void>,
  offset = 0,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "mails.zip");
    {
      using file = await Deno.open(path, { write: true, create: true });
      await file.seek(offset, Deno.SeekMode.Start);
      for await (const part of parts) for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
    }
    await test(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({ name: "zipArchive() is read by Python's zipfile", ignore: !python }, async () => {
  const sources = [
    source("eins.eml", encodeUtf8("hello\r\n".repeat(1000))),
    source("Grüße 请.eml", encodeUtf8("x")),
    source("empty.eml", new Uint8Array(0), new Date("1971-01-01T00:00:00Z")),
  ];
  await withZip(zipArchive(each(sources)), async (path) => {
    const { code, text } = await run("python3", ["-c", READ_ZIP, path]);
    assertEquals(code, 0, text);
    assertEquals(JSON.parse(text), [
      ["eins.eml", 7000, sha256("hello\r\n".repeat(1000)), [2026, 11, 24, 11, 55, 2]],
      ["Grüße 请.eml", 1, sha256("x"), [2026, 11, 24, 11, 55, 2]],
      ["empty.eml", 0, sha256(""), [1980, 1, 1, 0, 0, 0]],
    ]);
  });
});

Deno.test({ name: "zipArchive() beyond 4 GiB is read by unzip and Python", ignore: !python || !unzip }, async () => {
  const beyond4GiB = 5 * 1024 ** 3;
  const sources = ["1.eml", "2.eml"].map((name) => source(name, encodeUtf8("From: a@b.example\r\n")));
  await withZip(zipArchive(each(sources), beyond4GiB), async (path) => {
    assertEquals((await run("unzip", ["-tqq", path])).code, 0);
    const { code, text } = await run("python3", ["-c", READ_ZIP, path]);
    assertEquals(code, 0, text);
    assertEquals(JSON.parse(text).length, 2);
  }, beyond4GiB);
});

Deno.test(
  { name: "zipArchive() writes 64-bit sizes for a file that may need them", ignore: !python || !unzip },
  async () => {
    const content = encodeUtf8("not really large");
    const claimed = { ...source("large.eml", content), size: 5 * 1024 ** 3 };
    await withZip(zipArchive(each([claimed, source("small.eml", content)])), async (path) => {
      assertEquals((await run("unzip", ["-tqq", path])).code, 0);
      const { text } = await run("unzip", ["-Zv", path]);
      assertStringIncludes(text, "4.5");
      assertEquals((await run("python3", ["-c", READ_ZIP, path])).code, 0);
    });
  },
);

Deno.test("endRecords() of an empty archive is the plain record alone", () => {
  assertEquals(endRecords({ offset: 0, size: 0, count: 0 }).length, 22);
});

Deno.test("endRecords() counts more than 65,535 files in 64 bits", () => {
  const records = endRecords({ offset: 1000, size: 500, count: 70_000 });
  const view = new DataView(records.buffer);
  assertEquals(view.getUint32(0, true), 0x06064b50);
  assertEquals([view.getBigUint64(24, true), view.getBigUint64(32, true)], [70_000n, 70_000n]);
  assertEquals(view.getUint32(56, true), 0x07064b50);
  assertEquals(view.getBigUint64(64, true), 1500n);
  assertEquals([view.getUint16(56 + 20 + 8, true), view.getUint16(56 + 20 + 10, true)], [0xffff, 0xffff]);
});
