import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { encodeStoredFile, StoredFileReading } from "../../../src/archive/stored_file.ts";
import { concatBytes, encodeUtf8, equalBytes } from "../../../src/base/bytes.ts";
import { inFolder, inPieces, sha256 } from "./samples.ts";

const MAIL = encodeUtf8("Subject: Grüße\r\n\r\nSome lines of text, as mails have them.\r\n".repeat(20));

async function encode(octets: Uint8Array, pieceLength = octets.length || 1): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  const encoded = await encodeStoredFile(inPieces(octets, pieceLength), (piece) => pieces.push(piece.slice()));
  assertEquals(encoded, { sha256: sha256(octets), size: octets.length });
  return concatBytes(pieces);
}

/** What reading a stored file gives: the mail's octets, or an error, and whether the seal fits. */
async function read(path: string): Promise<{ octets: Uint8Array | null; sealed: boolean }> {
  const reading = new StoredFileReading(path);
  try {
    return { octets: concatBytes(await Array.fromAsync(reading.pieces())), sealed: reading.sealed };
  } catch {
    return { octets: null, sealed: false };
  }
}

Deno.test("encodeStoredFile() takes mails of any size in pieces of any size, and StoredFileReading gives them back", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "x.zst");
    const random = new Uint8Array(300_000);
    for (let at = 0; at < random.length; at += 60_000) crypto.getRandomValues(random.subarray(at, at + 60_000));
    for (const octets of [new Uint8Array(), MAIL.subarray(0, 1), MAIL, random]) {
      for (const pieceLength of [7, 1000, 65_536]) {
        await Deno.writeFile(path, await encode(octets, pieceLength));
        const { octets: given, sealed } = await read(path);
        assertEquals([equalBytes(given ?? new Uint8Array(1), octets), sealed], [true, true]);
      }
    }
  });
});

Deno.test("encodeStoredFile() takes mails that are at hand whole, small and large", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "x.zst");
    for (const size of [0, 1, 256 * 1024, 256 * 1024 + 1]) {
      const octets = Uint8Array.from({ length: size }, (_, at) => (at * at) % 251);
      const pieces: Uint8Array[] = [];
      const encoded = await encodeStoredFile(octets, (piece) => pieces.push(piece.slice()));
      assertEquals(encoded, { sha256: sha256(octets), size });
      await Deno.writeFile(path, concatBytes(pieces));
      const { octets: given, sealed } = await read(path);
      assertEquals([equalBytes(given ?? new Uint8Array(size + 1), octets), sealed], [true, true]);
    }
  });
});

Deno.test("StoredFileReading notices every flipped bit and every cut", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "x.zst");
    const file = await encode(MAIL);
    const unnoticed: string[] = [];
    for (let bit = 0; bit < file.length * 8; bit++) {
      const flipped = file.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await Deno.writeFile(path, flipped);
      if ((await read(path)).sealed) unnoticed.push(`bit ${bit}`);
    }
    for (let length = 0; length < file.length; length++) {
      await Deno.writeFile(path, file.subarray(0, length));
      if ((await read(path)).sealed) unnoticed.push(`cut at ${length}`);
    }
    await Deno.writeFile(path, concatBytes([file, Uint8Array.of(0)]));
    if ((await read(path)).sealed) unnoticed.push("a byte more");
    assertEquals(unnoticed, []);
  });
});

Deno.test("StoredFileReading decodes no more than it is asked for, however well the mail was compressed", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "x.zst");
    const [pieces, pieceBytes] = [256, 1024 * 1024];
    const repetitive = async function* () {
      const piece = new Uint8Array(pieceBytes).fill(0x61);
      for (let count = 0; count < pieces; count++) yield await Promise.resolve(piece);
    };
    const written: Uint8Array[] = [];
    await encodeStoredFile(repetitive(), (piece) => written.push(piece.slice()));
    await Deno.writeFile(path, concatBytes(written));
    const before = Deno.memoryUsage().rss;
    let given = 0;
    for await (const piece of new StoredFileReading(path).pieces()) {
      if (given === 0) assertLess(Deno.memoryUsage().rss - before, pieces * pieceBytes / 4);
      given += piece.length;
    }
    assertEquals(given, pieces * pieceBytes);
  });
});

Deno.test("encodeStoredFile() rejects with what the content or the sink throws, and when it is aborted", async () => {
  // deno-lint-ignore require-yield
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    await Promise.resolve();
    throw new Error("unreadable");
  };
  await assertRejects(() => encodeStoredFile(failing(), () => {}), Error, "unreadable");
  const full = () => {
    throw new Error("disk full");
  };
  await assertRejects(() => encodeStoredFile(MAIL, full), Error, "disk full");
  await assertRejects(() => encodeStoredFile(MAIL, () => {}, AbortSignal.abort(new Error("stop"))), Error, "stop");
});

const zstd = await installed("zstd");

Deno.test({
  name: "encodeStoredFile() writes what zstd can read",
  ignore: !zstd,
  async fn() {
    await inFolder(async (folder) => {
      const path = join(folder, "x.eml.zst");
      await Deno.writeFile(path, await encode(MAIL));
      const { code, stdout } = await new Deno.Command("zstd", { args: ["-dc", path] }).output();
      assertEquals([code, equalBytes(stdout, MAIL)], [0, true]);
      assertEquals((await new Deno.Command("zstd", { args: ["-tq", path] }).output()).code, 0);
    });
  },
});

async function installed(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null" }).output()).success;
  } catch {
    console.warn(`${program} is missing: tests that need it are skipped`);
    return false;
  }
}
