import { assert, assertEquals, assertGreater } from "@std/assert";
import { hasCode } from "../../../src/base/errors.ts";
import { listDropFolder } from "../../../src/drop/folder.ts";
import { readCapture, readMail } from "../../../src/drop/reader.ts";
import { recoverDropFolder } from "../../../src/drop/recovery.ts";
import type { CaptureStart, DropWriter, Settlement } from "../../../src/drop/types.ts";
import { openDropWriter } from "../../../src/drop/writer.ts";
import { type Fault, FAULTS, FaultyFileOps } from "../base/faulty_file_ops.ts";
import { bigMail, MAIL, memoryFolder, pop3Start, smtpStart, unfinished, withFolder, writeInChunks } from "./samples.ts";

/** One transmission of the load, and how the target answers it. */
interface Transmission {
  readonly name: string;
  readonly start: CaptureStart;
  readonly mail: Uint8Array;
  /** What the target says to the end of the mail; null where it refuses it. */
  readonly settlement: Settlement | null;
  /** Breaks off before the end. */
  readonly lost?: true;
}

/** What one side or the other knows of a transmission. */
interface Known {
  readonly transmission: Transmission;
  readonly id: string | null;
  /** The end marker was passed on, so the target has the mail. */
  targetHolds: boolean;
  /** The client was told so. */
  toldAccepted: boolean;
  /** The capture was given up in an orderly way. */
  aborted: boolean;
}

const recipient = (address: string) => ({ address, params: [], reply: "250 2.1.5 Ok" });

const LOAD: readonly Transmission[] = [
  { name: "small", start: smtpStart(), mail: MAIL, settlement: { outcome: "accepted", reply: "250 2.0.0 Ok" } },
  { name: "large", start: smtpStart(), mail: bigMail(150_000), settlement: { outcome: "accepted", reply: "250 Ok" } },
  { name: "refused", start: smtpStart(), mail: MAIL.subarray(9), settlement: null },
  { name: "retrieved", start: pop3Start(), mail: MAIL.subarray(20), settlement: { outcome: "retrieved" } },
  { name: "broken off", start: pop3Start(), mail: MAIL.subarray(25), settlement: null, lost: true },
  {
    name: "long reply",
    start: smtpStart(),
    mail: MAIL.subarray(30),
    settlement: { outcome: "accepted", reply: `250 ${"x".repeat(600)}` },
  },
  {
    name: "mixed",
    start: smtpStart({ recipients: [recipient("a@x.example"), recipient("b@x.example")] }),
    mail: MAIL.subarray(40),
    settlement: { outcome: "accepted", reply: "250 Ok", recipients: [recipient("b@x.example")] },
  },
  { name: "answer lost", start: smtpStart(), mail: MAIL.subarray(50), settlement: { outcome: "unknown" } },
];

/** Carries out one transmission as a proxy does; whatever fails ends it. */
async function transmit(writer: DropWriter, transmission: Transmission): Promise<Known> {
  const known: Known = { transmission, id: null, targetHolds: false, toldAccepted: false, aborted: false };
  let capture;
  try {
    capture = writer.begin(transmission.start);
  } catch {
    return { ...known, aborted: true };
  }
  const begun: Known = { ...known, id: capture.id };
  try {
    writeInChunks(capture, transmission.mail, 32 * 1024);
    if (transmission.lost === undefined) {
      await capture.seal();
      if (transmission.settlement !== null) {
        begun.targetHolds = true;
        await capture.commit(transmission.settlement);
        begun.toldAccepted = true;
        return begun;
      }
    }
  } catch {
    capture.abort();
    begun.aborted = !begun.targetHolds;
    return begun;
  }
  capture.abort();
  begun.aborted = true;
  return begun;
}

/** The load, one transmission after the other, and then the end of the process: an orderly one, or the crash. */
async function run(folder: string, ops: FaultyFileOps): Promise<Known[]> {
  const ledger: Known[] = [];
  try {
    const writer = await openDropWriter(folder, { ops });
    for (const transmission of LOAD) ledger.push(await transmit(writer, transmission));
    await writer.close();
  } catch (error) {
    assert(ops.crashed || hasCode(error, "io", "disk-full", "busy"), `${error}`);
  }
  ops.closeAll();
  return ledger;
}

/** Compares what was told with what is there after the next start. */
async function compare(folder: string, ledger: readonly Known[], crashed: boolean, where: string): Promise<void> {
  const next = await openDropWriter(folder);
  assertEquals(next.recovery.failed, [], where);
  assertEquals(unfinished(folder), [], where);
  await next.close();
  const found = new Map<string, { outcome: string; recipients: number | undefined; mail: Uint8Array }>();
  for (const entry of await listDropFolder(folder)) {
    const file = await readCapture(entry.path);
    const { id, outcome, smtp } = file.report;
    assert(!found.has(id), `${where}: ${id} is there twice`);
    assertEquals(entry.captureId, id);
    found.set(id, { outcome, recipients: smtp?.recipients.length, mail: await readMail(file) });
  }
  for (const { transmission, id, targetHolds, toldAccepted, aborted } of ledger) {
    const copy = id === null ? undefined : found.get(id);
    const what = `${where}: ${transmission.name}`;
    found.delete(id ?? "");
    if (targetHolds) assert(copy !== undefined, `${what} is at the target and not here`);
    if (aborted && !crashed) assertEquals(copy, undefined, `${what} was given up and is here`);
    if (transmission.lost !== undefined) assertEquals(copy, undefined, `${what} never came to its end and is here`);
    if (copy === undefined) continue;
    assertEquals(copy.mail, transmission.mail, what);
    const settled = copy.outcome === transmission.settlement?.outcome;
    assert(settled || (copy.outcome === "unknown" && !toldAccepted), `${what} has outcome ${copy.outcome}`);
    if (toldAccepted && transmission.settlement?.recipients !== undefined) {
      assertEquals(copy.recipients, transmission.settlement.recipients.length, what);
    }
  }
  for (const { mail } of found.values()) {
    // The transmission in which the process died left no entry in the ledger.
    assert(crashed && LOAD.some((transmission) => transmission.mail.length === mail.length), `${where}: what is this?`);
  }
}

async function steps(): Promise<number> {
  const ops = new FaultyFileOps();
  await withFolder(async (folder) => {
    const ledger = await run(folder, ops);
    assertEquals(ledger.filter((known) => known.toldAccepted).length, 6);
    await compare(folder, ledger, false, "without a fault");
  });
  return ops.steps.length;
}

Deno.test("DropWriter keeps its promises, whatever fails at whatever step", async (test) => {
  const count = await steps();
  assertGreater(count, 60);
  for (const fault of FAULTS) {
    await test.step(`${fault} at each of ${count} steps`, async () => {
      let fired = 0;
      for (let at = 0; at < count; at++) {
        await withFolder(async (folder) => {
          const ops = new FaultyFileOps(at, fault);
          const ledger = await run(folder, ops);
          if (fault.startsWith("crash") && ops.crashed) fired++;
          await compare(folder, ledger, ops.crashed, `${fault} at ${at}, ${ops.steps[at]?.replace(folder, "")}`);
        }, memoryFolder);
      }
      if (fault.startsWith("crash")) assertGreater(fired, fault === "crash-short" ? 5 : 40);
    });
  }
});

Deno.test("recoverDropFolder() can be cut off at any step and repeated", async () => {
  const crashes: Fault[] = ["crash-before", "crash-after", "fail"];
  for (const fault of crashes) {
    for (let at = 0; at < 24; at++) {
      await withFolder(async (folder) => {
        const writer = await openDropWriter(folder);
        const ledger: Known[] = [];
        for (const transmission of LOAD.slice(0, 4)) {
          const capture = writer.begin(transmission.start);
          capture.write(transmission.mail);
          if (transmission.name !== "retrieved") await capture.seal();
          const targetHolds = transmission.name !== "retrieved";
          ledger.push({ transmission, id: capture.id, targetHolds, toldAccepted: false, aborted: false });
        }
        await leaveAsKilled(writer, folder);
        const ops = new FaultyFileOps(at, fault);
        await recoverDropFolder(folder, { ops }).catch((error) => assert(hasCode(error, "io"), `${error}`));
        ops.closeAll();
        await compare(folder, ledger, true, `recovery, ${fault} at ${at}`);
      }, memoryFolder);
    }
  }
});

/** Closes a writer and puts back what its close removed, so that the folder is as after a SIGKILL. */
async function leaveAsKilled(writer: DropWriter, folder: string): Promise<void> {
  const kept = unfinished(folder).map((name) => {
    const path = `${folder}/.incoming/${name}`;
    return { path, bytes: Deno.readFileSync(path) };
  });
  await writer.close();
  for (const { path, bytes } of kept) Deno.writeFileSync(path, bytes);
}
