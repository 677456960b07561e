import { assertEquals, assertThrows } from "@std/assert";
import { MailteeError } from "../../../src/base/errors.ts";
import { roomLogger } from "../../../src/base/log.ts";
import type { Job } from "../../../src/schedule/job.ts";
import { type Scheduler, startScheduler } from "../../../src/schedule/scheduler.ts";
import { DAY, FakeClock, HOUR, MINUTE, settled } from "./fake_clock.ts";

/** A job that notes when it ran. */
class NotedJob implements Job {
  readonly name: string;
  readonly schedule: string;
  readonly timeZone: string;
  readonly runs: string[] = [];
  readonly #clock: FakeClock;
  readonly #takesMs: number;
  readonly #lastStarted: string | null;
  running = 0;
  mostAtOnce = 0;
  stopped = 0;

  constructor(
    clock: FakeClock,
    schedule: string,
    options: { name?: string; takesMs?: number; lastStarted?: string; timeZone?: string } = {},
  ) {
    this.#clock = clock;
    this.schedule = schedule;
    this.name = options.name ?? "nightly";
    this.timeZone = options.timeZone ?? "UTC";
    this.#takesMs = options.takesMs ?? 0;
    this.#lastStarted = options.lastStarted ?? null;
  }

  lastStarted(): Promise<Date | null> {
    return Promise.resolve(this.#lastStarted === null ? null : new Date(this.#lastStarted));
  }

  async run(signal: AbortSignal): Promise<void> {
    this.runs.push(new Date(this.#clock.now()).toISOString());
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.running);
    try {
      if (this.#takesMs > 0) await this.#clock.sleep(this.#takesMs, signal);
    } catch (error) {
      this.stopped++;
      throw error;
    } finally {
      this.running--;
    }
  }
}

async function scheduled(clock: FakeClock, jobs: Job[], test: (scheduler: Scheduler) => Promise<void>): Promise<void> {
  const scheduler = startScheduler({ jobs, clock, log: roomLogger("schedule") });
  try {
    await settled();
    await test(scheduler);
  } finally {
    await scheduler.stop();
  }
}

Deno.test("startScheduler() runs a job at its times, to the second", async () => {
  const clock = new FakeClock("2026-06-01T01:59:10.500Z");
  const job = new NotedJob(clock, "0 2 * * *");
  await scheduled(clock, [job], async (scheduler) => {
    assertEquals(scheduler.next(), [{ name: "nightly", next: new Date("2026-06-01T02:00:00Z"), running: false }]);
    await clock.pass(49 * 1000);
    assertEquals(job.runs, []);
    await clock.pass(2 * DAY + 500);
  });
  assertEquals(job.runs, ["2026-06-01T02:00:00.000Z", "2026-06-02T02:00:00.000Z", "2026-06-03T02:00:00.000Z"]);
});

Deno.test("startScheduler() makes a run up once that was missed while the program was down", async () => {
  const clock = new FakeClock("2026-06-05T08:00:00Z");
  const job = new NotedJob(clock, "0 2 * * *", { lastStarted: "2026-06-01T02:00:00.200Z" });
  await scheduled(clock, [job], () => clock.pass(DAY));
  assertEquals(job.runs, ["2026-06-05T08:00:00.000Z", "2026-06-06T02:00:00.000Z"]);
});

Deno.test("startScheduler() makes nothing up for a job that missed nothing, or is new", async () => {
  const clock = new FakeClock("2026-06-05T08:00:00Z");
  const current = new NotedJob(clock, "0 2 * * *", { name: "current", lastStarted: "2026-06-05T02:00:00.100Z" });
  const fresh = new NotedJob(clock, "0 2 * * *", { name: "fresh" });
  await scheduled(clock, [current, fresh], () => clock.pass(HOUR));
  assertEquals([current.runs, fresh.runs], [[], []]);
});

Deno.test("startScheduler() never lets a job overlap with itself and makes up what came due meanwhile", async () => {
  const clock = new FakeClock("2026-06-01T00:00:00Z");
  const job = new NotedJob(clock, "*/5 * * * *", { takesMs: 12 * MINUTE });
  await scheduled(clock, [job], () => clock.pass(30 * MINUTE));
  assertEquals(job.mostAtOnce, 1);
  assertEquals(job.runs, ["2026-06-01T00:05:00.000Z", "2026-06-01T00:17:00.000Z", "2026-06-01T00:29:00.000Z"]);
});

Deno.test("startScheduler() lets different jobs run beside each other", async () => {
  const clock = new FakeClock("2026-06-01T00:00:00Z");
  const long = new NotedJob(clock, "0 1 * * *", { name: "long", takesMs: 5 * HOUR });
  const short = new NotedJob(clock, "30 1 * * *", { name: "short" });
  await scheduled(clock, [long, short], async (scheduler) => {
    await clock.pass(2 * HOUR);
    assertEquals(scheduler.next().map(({ name, running }) => [name, running]), [["long", true], ["short", false]]);
  });
  assertEquals(short.runs, ["2026-06-01T01:30:00.000Z"]);
});

Deno.test("startScheduler() neither skips nor doubles when the clock jumps", async (t) => {
  await t.step("ahead past a time: it is made up within half a minute", async () => {
    const clock = new FakeClock("2026-06-01T00:00:00Z");
    const job = new NotedJob(clock, "0 2 * * *");
    await scheduled(clock, [job], async () => {
      await clock.pass(MINUTE);
      clock.setWall("2026-06-01T05:00:00Z");
      await clock.pass(30 * 1000);
      assertEquals(job.runs.length, 1);
      await clock.pass(DAY);
    });
    assertEquals(job.runs[1], "2026-06-02T02:00:00.000Z");
  });
  await t.step("back over a time: it isn't run again", async () => {
    const clock = new FakeClock("2026-06-01T01:59:00Z");
    const job = new NotedJob(clock, "0 2 * * *");
    await scheduled(clock, [job], async () => {
      await clock.pass(MINUTE);
      clock.setWall("2026-06-01T01:10:00Z");
      await clock.pass(DAY);
    });
    assertEquals(job.runs, ["2026-06-01T02:00:00.000Z"]);
  });
  await t.step("back by years: the job goes on by the new time", async () => {
    const clock = new FakeClock("2031-06-01T01:59:00Z");
    const job = new NotedJob(clock, "0 2 * * *");
    await scheduled(clock, [job], async () => {
      await clock.pass(MINUTE);
      clock.setWall("2026-06-01T01:10:00Z");
      await clock.pass(HOUR);
    });
    assertEquals(job.runs, ["2031-06-01T02:00:00.000Z", "2026-06-01T02:00:00.000Z"]);
  });
});

Deno.test("startScheduler() goes on after a run that failed", async () => {
  const clock = new FakeClock("2026-06-01T00:00:00Z");
  let runs = 0;
  const job: Job = {
    name: "failing",
    schedule: "0 * * * *",
    lastStarted: () => Promise.reject(new Error("no catalog")),
    run: () => Promise.reject(++runs === 1 ? new MailteeError("busy", "held") : new Error("broken")),
  };
  await scheduled(clock, [job], () => clock.pass(3 * HOUR));
  assertEquals(runs, 3);
});

Deno.test("Scheduler.stop() asks a run to stop, waits for it and starts no other", async () => {
  const clock = new FakeClock("2026-06-01T00:59:00Z");
  const job = new NotedJob(clock, "0 * * * *", { takesMs: 30 * MINUTE });
  const scheduler = startScheduler({ jobs: [job], clock, log: roomLogger("schedule") });
  await clock.pass(2 * MINUTE);
  assertEquals(job.running, 1);
  await scheduler.stop();
  await clock.pass(DAY);
  assertEquals([job.running, job.stopped, job.runs.length], [0, 1, 1]);
});

Deno.test("Scheduler.update() takes jobs in and out and keeps what others have served", async () => {
  const clock = new FakeClock("2026-06-01T00:00:00Z");
  const [kept, gone, added] = ["kept", "gone", "added"].map((name) => new NotedJob(clock, "0 2 * * *", { name }));
  if (kept === undefined || gone === undefined || added === undefined) throw new Error("no jobs");
  await scheduled(clock, [kept, gone], async (scheduler) => {
    await clock.pass(3 * HOUR);
    scheduler.update([kept, added]);
    await clock.pass(DAY);
    assertEquals(scheduler.next().map(({ name }) => name), ["kept", "added"]);
  });
  assertEquals([kept.runs.length, gone.runs.length, added.runs], [2, 1, ["2026-06-02T02:00:00.000Z"]]);
});

Deno.test("Scheduler.update() reschedules a job without making up times of the new schedule", async () => {
  const clock = new FakeClock("2026-06-01T12:00:00Z");
  const before = new NotedJob(clock, "0 20 * * *");
  const after = new NotedJob(clock, "0 6 * * *");
  await scheduled(clock, [before], async (scheduler) => {
    await clock.pass(HOUR);
    scheduler.update([after]);
    await clock.pass(DAY);
  });
  assertEquals([before.runs, after.runs], [[], ["2026-06-02T06:00:00.000Z"]]);
});

Deno.test("Scheduler.update() doesn't let a job that went and came back overlap with its own run", async () => {
  const clock = new FakeClock("2026-06-01T01:59:00Z");
  const job = new NotedJob(clock, "*/10 * * * *", { takesMs: HOUR });
  await scheduled(clock, [job], async (scheduler) => {
    await clock.pass(2 * MINUTE);
    scheduler.update([]);
    await settled();
    assertEquals(job.running, 1);
    scheduler.update([job]);
    await clock.pass(2 * HOUR);
  });
  assertEquals(job.mostAtOnce, 1);
  assertEquals(job.runs.slice(0, 2), ["2026-06-01T02:00:00.000Z", "2026-06-01T03:00:00.000Z"]);
});

Deno.test("Scheduler.update() changes nothing where a schedule is wrong", async () => {
  const clock = new FakeClock("2026-06-01T01:59:00Z");
  const job = new NotedJob(clock, "0 2 * * *");
  await scheduled(clock, [job], async (scheduler) => {
    assertThrows(() => scheduler.update([new NotedJob(clock, "at two")]), MailteeError, "at two");
    assertThrows(() => scheduler.update([job, job]), MailteeError, "two jobs");
    await clock.pass(MINUTE);
  });
  assertEquals(job.runs.length, 1);
});
