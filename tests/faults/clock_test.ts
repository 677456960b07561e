import { assert, assertEquals } from "@std/assert";
import { parseCaptureName } from "../../src/drop/folder.ts";
import { openDropWriter } from "../../src/drop/writer.ts";
import { parseTimetable } from "../../src/schedule/cron.ts";
import { due } from "../../src/schedule/due.ts";
import { MAIL, memoryFolder, smtpStart, StillClock, withFolder } from "../unit/drop/samples.ts";
import { randomSource } from "../unit/net/random.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

Deno.test("names of captures stay unique, and in the order of each start, whatever the clock does", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    await withFolder(async (folder) => {
      const random = randomSource(seed);
      const clock = new StillClock();
      const names = new Set<string>();
      for (let start = 0; start < 4; start++) {
        const writer = await openDropWriter(folder, { clock });
        let last = "";
        for (let number = 0; number < 50; number++) {
          clock.time += jump(random);
          const capture = writer.begin(smtpStart());
          capture.write(MAIL);
          await capture.seal();
          const path = await capture.commit({ outcome: "accepted", reply: "250 Ok" });
          const name = path.slice(folder.length + 1);
          assert(parseCaptureName(name) !== null, `seed ${seed}: ${name} isn't a capture's name`);
          assert(!names.has(name), `seed ${seed}: ${name} was given twice`);
          assert(name > last, `seed ${seed}: ${name} comes after ${last}`);
          names.add(name);
          last = name;
        }
        await writer.close();
      }
      assertEquals(Array.from(Deno.readDirSync(folder)).filter(({ isFile }) => isFile).length, names.size);
    }, memoryFolder);
  }
});

/** Mostly a little forth; now and then back, by milliseconds or years, or not at all. */
function jump(random: () => number): number {
  const kind = random();
  if (kind < 0.5) return Math.floor(random() * 5);
  if (kind < 0.7) return 0;
  if (kind < 0.85) return -Math.floor(random() * 2000);
  return Math.floor((random() - 0.5) * 1000 * DAY_MS);
}

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Africa/Casablanca",
];

for (const zone of ZONES) {
  Deno.test(`a daily job runs once on each day of leap years and of changes of the clock: ${zone}`, () => {
    const timetable = parseTimetable("30 2 * * *", zone);
    const day = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" });
    const days = new Map<string, number>();
    const begin = Date.UTC(2027, 11, 30, 12);
    const end = Date.UTC(2029, 0, 3, 12);
    let mark = { served: begin };
    for (let now = begin; now < end;) {
      const state = due(timetable, mark, now);
      mark = state.mark;
      if (state.kind === "now") days.set(day.format(now), (days.get(day.format(now)) ?? 0) + 1);
      else now = state.at ?? end;
    }
    assertEquals([...days].filter(([, runs]) => runs !== 1), [], "days with more than one run");
    assertEquals(days.size, (end - begin) / DAY_MS, "days without a run");
    assert([...days.keys()].some((each) => each.endsWith("02-29")), "no leap day");
  });
}

Deno.test("a daily job neither skips nor doubles a day when the clock is put right by up to an hour, again and again", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = randomSource(seed);
    const timetable = parseTimetable("0 2 * * *", "UTC");
    const begin = Date.UTC(2028, 1, 20, 12);
    let mark = { served: begin };
    let offset = 0;
    const runs: string[] = [];
    for (let real = begin; real < begin + 30 * DAY_MS; real += HOUR_MS / 2) {
      if (random() < 0.02) offset = Math.floor((random() - 0.5) * 2 * HOUR_MS);
      const state = due(timetable, mark, real + offset);
      mark = state.mark;
      if (state.kind === "now") runs.push(new Date(real + offset).toISOString().slice(0, 10));
    }
    assertEquals(new Set(runs).size, runs.length, `seed ${seed}: a day twice`);
    assertEquals(runs.length, 30, `seed ${seed}: a day skipped`);
  }
});
