import { assertEquals, assertGreater } from "@std/assert";
import { type ArchiveRoom, inRoom, mail } from "./archive_room.ts";
import { Crash, Fate, fatedArchive, fatedFiles } from "./faulty_archive.ts";

const MAILS = 3;

async function fill(room: ArchiveRoom): Promise<void> {
  for (let number = 0; number < MAILS; number++) {
    await room.capture(mail(`${number}`), { from: "x@elsewhere.example", to: ["anna@company.example"] });
  }
  await room.capture(mail("nobody"), { from: "x@elsewhere.example", to: ["nobody@company.example"] });
  room.profile = { ...room.profile, deleteArchived: true, deleteUnassigned: true };
}

function run(room: ArchiveRoom, fate: Fate) {
  return room.run({ archive: fatedArchive(room.archive, fate), ops: fatedFiles(fate), limits: { batchMails: 2 } });
}

async function countSteps(): Promise<number> {
  const fate = new Fate();
  await inRoom(async (room) => {
    await fill(room);
    await run(room, fate);
  });
  return fate.steps;
}

Deno.test("runProfile() can be cut off at every step and repeated: nothing lost, nothing twice", async () => {
  const steps = await countSteps();
  assertGreater(steps, 25);
  const expected = Array.from({ length: MAILS }, (_, number) => `${mail(`${number}`)} → anna`).sort();
  for (let step = 1; step <= steps; step++) {
    await inRoom(async (room) => {
      await fill(room);
      let crashed = false;
      try {
        await run(room, new Fate(step));
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        crashed = true;
      }
      assertEquals(crashed, true, `no crash at step ${step}`);
      const [died] = await room.archive.catalog.runs();
      assertEquals(died?.protocol ?? null, step === steps ? died?.protocol : null, `the run that died at step ${step}`);
      const again = await room.run();
      assertEquals([again.failed, again.interrupted], [0, false], `after a crash at step ${step}`);
      assertEquals(await room.archived(), expected, `after a crash at step ${step}`);
      assertEquals(room.files(), [], `after a crash at step ${step}`);
      const totals = await room.archive.catalog.totals();
      assertEquals([totals.mails, totals.captures], [MAILS, MAILS], `after a crash at step ${step}`);
    });
  }
});
