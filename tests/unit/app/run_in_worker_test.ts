import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { ProfileTask } from "../../../src/app/profile_task.ts";
import { runInWorker } from "../../../src/app/run_in_worker.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { setUpLog, tearDownLog } from "../../../src/base/log.ts";
import { ANNA, type ArchiveRoom, inRoom, mail } from "../ingest/archive_room.ts";

const TO_ANNA = { from: "stranger@elsewhere.example", to: ["anna@company.example"] };
const TO_NOBODY = { from: "stranger@elsewhere.example", to: ["nobody@company.example"] };

function taskOf(room: ArchiveRoom, profile: Partial<ProfileTask["profile"]> = {}): ProfileTask {
  return {
    profile: { ...room.profile, ...profile },
    users: [ANNA],
    archive: { path: room.archive.path, fileMode: 0o600, folderMode: 0o700 },
  };
}

function module(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

const never = () => new AbortController().signal;

Deno.test("runInWorker() archives in a thread, and its log comes out here", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), TO_ANNA);
    const file = await room.capture(mail("two"), TO_NOBODY);
    const lines: string[] = [];
    await setUpLog({ level: "info", format: "text", write: (line) => lines.push(line) });
    try {
      const result = await runInWorker(taskOf(room, { deleteUnassigned: true }), never());
      assertEquals([result.found, result.archived, result.unassigned, result.deleted], [2, 1, 1, 1]);
    } finally {
      await tearDownLog();
    }
    assertEquals(await room.archived(), [`${mail("one")} → anna`]);
    assertEquals(lines.length, 1);
    assertStringIncludes(lines[0] ?? "", `info    ingest: deleted ${file}, which belongs to no user`);
  }));

Deno.test("runInWorker() stops when it is asked to, and says why", () =>
  inRoom(async (room) => {
    await room.capture(mail("one"), TO_ANNA);
    const result = await runInWorker(taskOf(room), AbortSignal.abort(new Error("the program is stopping")));
    assertEquals([result.archived, result.interruption], [0, "the program is stopping"]);
  }));

Deno.test("runInWorker() passes a stop on while the run is under way", async () => {
  const stopping = new AbortController();
  const echo = module(`
    onmessage = ({ data }) => postMessage(data.kind === "run"
      ? { kind: "log", record: { category: ["mailtee"], level: "info", rawMessage: "begun", properties: {} } }
      : { kind: "failure", code: null, message: "told: " + data.reason });
  `);
  await setUpLog({ level: "info", format: "text", write: () => stopping.abort(new Error("enough")) });
  try {
    const task = { profile: { name: "p", dropFolder: "", deleteArchived: false, deleteUnassigned: false }, users: [] };
    const run = runInWorker({ ...task, archive: { path: "", fileMode: 0, folderMode: 0 } }, stopping.signal, echo);
    await assertRejects(() => run, Error, "told: enough");
  } finally {
    await tearDownLog();
  }
});

Deno.test("runInWorker() rejects as the run does, with code and hint", () =>
  inRoom(async (room) => {
    await Deno.writeTextFile(join(room.folder, "file"), "");
    const task = taskOf(room);
    const error = await assertRejects(
      () => runInWorker({ ...task, archive: { ...task.archive, path: join(room.folder, "file") } }, never()),
      MailteeError,
      "create the archive",
    );
    assertEquals(error.code, "io");
    const empty = runInWorker({ ...taskOf(room, { deleteUnassigned: true }), users: [] }, never());
    const refused = await assertRejects(() => empty, MailteeError, "would delete every mail");
    assertStringIncludes(refused.hint ?? "", "archive.users");
  }));

Deno.test("runInWorker() tells of a thread that dies, and the program goes on", () =>
  inRoom(async (room) => {
    for (const source of ["throw new Error('no memory')", "onmessage = () => { throw new Error('no memory'); }"]) {
      const run = runInWorker(taskOf(room), never(), module(source));
      const { message } = await assertRejects(() => run, Error, "the thread of the run died: ");
      assertStringIncludes(message, "no memory");
    }
  }));
