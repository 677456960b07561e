import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { DropFolderStatus } from "../../../src/app/status.ts";
import { type Backlog, backlogOf, describeBacklog } from "../../../src/cli/backlog.ts";
import { claimRun, writeRunState } from "../../../src/cli/run_state.ts";
import { command } from "../../../src/cli/status.ts";
import { openDropWriter } from "../../../src/drop/writer.ts";
import { captureMail, MAIL, withFolder } from "../drop/samples.ts";
import { runCommand } from "./run_command.ts";

const BACKLOG: Backlog = {
  path: "/drop",
  captures: 2,
  oldest: null,
  others: 0,
  freeBytes: 3_000_000_000,
  lowOnSpace: false,
  problem: null,
};

const WRITTEN: DropFolderStatus = { path: "/drop", open: 0, committed: 9, failed: 0, setAside: 0, bytes: 900 };
const SINCE = "2026-11-24T09:00:00.000Z";

Deno.test("describeBacklog() is one line where nothing is wrong", () => {
  assertEquals(describeBacklog(BACKLOG, WRITTEN, SINCE).split("\n").length, 1);
  assertEquals(describeBacklog(BACKLOG, undefined, undefined).split("\n").length, 1);
});

Deno.test("describeBacklog() says how many copies can't be put in place, and that it's tried again", () => {
  const [, ...complaints] = describeBacklog(BACKLOG, { ...WRITTEN, setAside: 3, failed: 3 }, SINCE).split("\n");
  assertEquals(complaints, [
    "  Copies that are safe in .incoming/, and tried every five seconds to put in place: 3",
    `  Copies that failed since ${SINCE}, the log says why: 3`,
  ]);
});

Deno.test("describeBacklog() says that there is too little room to take mails", () => {
  const text = describeBacklog({ ...BACKLOG, freeBytes: 1000, lowOnSpace: true }, WRITTEN, SINCE);
  assertStringIncludes(text, "\n  Less than 64 MiB are free, so proxies take no mail");
});

Deno.test("backlogOf() counts captures and other files, and says what is wrong with a folder that isn't there", async () => {
  await withFolder(async (folder) => {
    const drop = join(folder, "drop");
    const writer = await openDropWriter(drop, { lowWaterBytes: 0 });
    const path = await captureMail(writer, MAIL);
    await Deno.writeTextFile(join(drop, "foreign.txt"), "");
    const { captures, others, oldest, problem } = await backlogOf(drop);
    assertEquals({ captures, others, oldest, problem }, {
      captures: 1,
      others: 1,
      oldest: path.slice(drop.length + 1),
      problem: null,
    });
    await writer.close();
    assertStringIncludes((await backlogOf(join(folder, "gone"))).problem ?? "", "cannot list");
  });
});

Deno.test("mailtee status tells of the copies that the running program couldn't put in place", async () => {
  await withFolder(async (folder) => {
    const drop = join(folder, "drop");
    const config = join(folder, "proxy.config.yaml");
    await Deno.writeTextFile(config, `dropFolder: ${drop}\nprofiles: { all: {} }\narchive: { path: ./archive }\n`);
    await Deno.mkdir(drop);
    const lock = claimRun(folder);
    try {
      const written = { ...WRITTEN, path: drop, setAside: 4, failed: 4 };
      await writeRunState(folder, {
        started: SINCE,
        configFile: config,
        proxies: [],
        dropFolders: [written],
        jobs: [],
      });
      const { output } = await runCommand(command, "--config", config);
      assertStringIncludes(output, "tried every five seconds to put in place: 4");
      const { documents: [document] } = await runCommand(command, "--config", config, "--json");
      assert(JSON.stringify(document).includes('"setAside":4'));
    } finally {
      lock.release();
    }
  });
});
