import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { fromFileUrl, join } from "@std/path";
import { captureStart, writeCapture } from "./captures.ts";
import { inRoom } from "./archive_room.ts";

const CORPUS = fromFileUrl(new URL("../../../../shared/corpus", import.meta.url));

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function* filesIn(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* filesIn(path);
    else if (entry.isFile) yield path;
  }
}

if (!isThere(CORPUS)) console.warn(`skipped, since ${CORPUS} is missing: the corpus through a profile run`);

Deno.test({
  name: "runProfile() archives every file of the corpus octet for octet",
  ignore: !isThere(CORPUS),
  fn: () =>
    inRoom(async (room) => {
      const expected = new Set<string>();
      let captures = 0;
      for (const path of filesIn(CORPUS)) {
        const octets = await Deno.readFile(path);
        expected.add(createHash("sha256").update(octets).digest("hex"));
        await writeCapture(room.writer, captureStart({ from: "", to: ["anna@company.example"] }), octets);
        captures++;
      }
      const result = await room.run();
      assertEquals([result.archived, result.notArchived], [captures, []]);
      const archived = new Set<string>();
      for await (const { sha256 } of room.archive.catalog.allMails()) {
        const octets = await room.archive.store.read(sha256);
        assertEquals(createHash("sha256").update(octets).digest("hex"), sha256);
        archived.add(sha256);
      }
      assertEquals(archived, expected);
    }),
});
