import { assertEquals } from "@std/assert";
import { inRoom, mail } from "../unit/ingest/archive_room.ts";

const ENVELOPE = { from: "x@elsewhere.example", to: ["anna@company.example"] };

Deno.test("Catalog.check() takes no index for damaged that was written to since it last looked", async () => {
  await inRoom(async (room) => {
    for (let round = 0; round < 20; round++) {
      await room.capture(mail(`round ${round}`), ENVELOPE);
      await room.run();
      assertEquals(await room.archive.catalog.check(), [], `after ${round + 1} runs`);
    }
  });
});
