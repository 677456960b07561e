import { assert, assertEquals, assertMatch } from "@std/assert";
import { type LogFormat, type LogLevel, roomLogger, setUpLog, tearDownLog } from "../../../src/base/log.ts";

async function logged(level: LogLevel, format: LogFormat, run: () => void): Promise<string[]> {
  const lines: string[] = [];
  await setUpLog({ level, format, write: (line) => lines.push(line) });
  try {
    run();
  } finally {
    await tearDownLog();
  }
  return lines;
}

Deno.test("setUpLog() writes one line a record, with the room and the properties", async () => {
  const lines = await logged("info", "text", () => {
    roomLogger("smtp").info("Mail from {from} accepted.", { from: "a@x", size: 12, reply: "250 Ok", none: undefined });
  });
  assertEquals(lines.length, 1);
  assertMatch(
    lines[0] ?? "",
    /^\d{4}-\d\d-\d\dT[\d:.]+Z info {4}smtp: Mail from a@x accepted\. size=12 reply="250 Ok"\n$/,
  );
});

Deno.test("setUpLog() lets nothing that a peer sent begin a line or move the cursor", async () => {
  const evil = "x\r\n2026-11-24T00:00:00.000Z info    smtp: forged\x1b[2J\u2028y";
  for (const format of ["text", "json"] as const) {
    const [line, ...others] = await logged("info", format, () => {
      roomLogger("smtp").info("Helo {helo}", { helo: evil, key: evil });
    });
    assert(line !== undefined && others.length === 0);
    // deno-lint-ignore no-control-regex -- what mustn't be there
    assertEquals(/[\x00-\x1f\x7f]/.test(line.slice(0, -1)), false, line);
    assertEquals(line.at(-1), "\n");
  }
});

Deno.test("setUpLog() writes JSON with the same fields, errors as their text", async () => {
  const [line] = await logged("debug", "json", () => {
    roomLogger("drop").error("Failed", { error: new Error("disk"), size: 1 });
  });
  const { time, ...rest } = JSON.parse(line ?? "");
  assertMatch(time, /^\d{4}-/);
  assertEquals(rest, { level: "error", room: "drop", message: "Failed", error: "disk", size: 1 });
});

Deno.test("setUpLog() leaves out what is below its level, and tearDownLog() everything", async () => {
  const lines = await logged("warning", "text", () => {
    roomLogger("smtp").info("no");
    roomLogger("smtp").warn("yes");
  });
  assertEquals(lines.length, 1);
  roomLogger("smtp").error("no");
  assertEquals(lines.length, 1);
});
