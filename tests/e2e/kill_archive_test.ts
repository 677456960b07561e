import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { startMailServer } from "../../src/demo/mail_server.ts";
import { submitMails } from "../../src/demo/smtp_client.ts";
import { readCaptures } from "../peers/captures.ts";
import { until } from "../peers/program.ts";
import { hashOf } from "../peers/same_mails.ts";
import { assertFields } from "./documents.ts";
import { install, type Installation } from "./installation.ts";

const USERS = [{ name: "ben", addresses: ["*@company.example"] }];
/** More than two transactions' worth. */
const MAILS = 1100;

/** Exit code of a process that SIGKILL ended. */
const KILLED = 128 + 9;

/** When a run is killed. */
interface KillPoint {
  /** As soon as so many files lie in the store. */
  readonly stored?: number;
  /** As soon as the catalog's write-ahead log has so many bytes. */
  readonly logged?: number;
  /** As soon as no more files than these are left in the drop folder. */
  readonly left?: number;
}

Deno.test("kill -9 of `mailtee archive` that deletes what it archived: nothing is missing, nothing twice", async () => {
  await withCaptures({ deleteArchived: true }, async (installation, hashes) => {
    let killed = 0;
    for (const point of [{ stored: 1 }, { stored: 600 }, { left: 450 }, { left: 60 }]) {
      if (await killAt(point, installation)) killed++;
      await assertNothingMissing(installation, hashes);
    }
    assert(killed > 0, "every run was faster than its end");
    await finish(installation, hashes);
    assertEquals(readCaptures(installation.dropFolder), []);
  });
});

Deno.test("kill -9 of `mailtee archive` that leaves what it archived: each is archived once", async () => {
  await withCaptures({ deleteArchived: false }, async (installation, hashes) => {
    for (const point of [{ stored: 1 }, { logged: 200_000 }, { stored: 600 }]) await killAt(point, installation);
    const result = await finish(installation, hashes);
    assertFields(result, { found: MAILS });
    assertEquals(readCaptures(installation.dropFolder).length, MAILS, "what is left in the drop folder");
  });
});

/** Runs the profile until a point, and kills it there. False where it had ended before that. */
async function killAt({ stored, logged, left }: KillPoint, installation: Installation): Promise<boolean> {
  const { dropFolder, archiveFolder } = installation;
  const running = installation.start("archive", "--profile", "nightly");
  const reached = () =>
    stored !== undefined && countFiles(join(archiveFolder, "store")) >= stored ||
    logged !== undefined && sizeOf(join(archiveFolder, "catalog.sqlite-wal")) >= logged ||
    left !== undefined && countFiles(dropFolder) <= left;
  await until(() => running.ended() || reached(), running.output);
  return await running.stop("SIGKILL") === KILLED;
}

function sizeOf(file: string): number {
  try {
    return Deno.statSync(file).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Files in a folder and below. */
function countFiles(folder: string): number {
  try {
    return Array.from(Deno.readDirSync(folder)).reduce(
      (count, { name, isDirectory }) => count + (isDirectory ? countFiles(join(folder, name)) : 1),
      0,
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0; // not there yet, or no longer
    throw error;
  }
}

/** Runs the profile to its end; everything has to be in the archive then, and sound. */
async function finish(installation: Installation, hashes: ReadonlySet<string>): Promise<unknown> {
  const result = await installation.json(0, "archive", "--profile", "nightly");
  assertFields(result, { unassigned: 0, failed: 0, notArchived: [] });
  assertEquals((await archivedHashes(installation)).sort(), [...hashes].sort(), "what a search finds");
  assertFields(await totalsOf(installation), { mails: MAILS, captures: MAILS });
  await installation.text(0, "verify");
  return result;
}

/** Makes a drop folder with captures; `use` hears the hashes of the mails in it. */
async function withCaptures(
  profile: { readonly deleteArchived: boolean },
  use: (installation: Installation, hashes: ReadonlySet<string>) => Promise<void>,
): Promise<void> {
  const server = startMailServer({ accounts: [] });
  const installation = await install({
    smtpTarget: server.smtpPort,
    pop3Target: server.pop3Port,
    users: USERS,
    profile,
  });
  try {
    const running = await installation.run();
    const envelope = { mailFrom: "a@b.example", params: [], recipients: ["ben@company.example"] };
    const mails = Array.from({ length: MAILS }, (_, number) => ({ ...envelope, content: mailOf(number) }));
    const results = await Array.fromAsync(submitMails(installation.smtpPort, mails));
    assert(results.every(({ accepted }) => accepted));
    assertEquals(await running.stop(), 0, running.output());
    await use(installation, new Set(await Promise.all(mails.map(({ content }) => hashOf(content)))));
  } finally {
    await installation.remove();
    await server.close();
  }
}

/** Each has words of its own, for the index to have something to do. */
function mailOf(number: number): Uint8Array<ArrayBuffer> {
  const words = Array.from({ length: 80 }, (_, index) => `w${(number * 7919 + index * 104_729) % 50_000}`);
  const lines = Array.from({ length: 8 }, (_, line) => words.slice(line * 10, line * 10 + 10).join(" "));
  return encodeUtf8([`Subject: mail ${number}`, "To: ben@company.example", "", ...lines, ""].join("\r\n"));
}

/** What `status` says of the archive. */
async function totalsOf(installation: Installation): Promise<unknown> {
  const status = await installation.json(0, "status");
  assert(typeof status === "object" && status !== null && "archive" in status);
  const { archive } = status;
  assert(typeof archive === "object" && archive !== null && "totals" in archive);
  return archive.totals;
}

/** Whatever was cut off: each mail is in the drop folder, or in the archive, or in both. */
async function assertNothingMissing(installation: Installation, hashes: ReadonlySet<string>): Promise<void> {
  const inFolder = readCaptures(installation.dropFolder).map(({ report }) => report.mail.sha256);
  if (inFolder.length === hashes.size) return;
  const there = new Set([...inFolder, ...await archivedHashes(installation)]);
  assertEquals([...hashes].filter((hash) => !there.has(hash)), []);
}

/** The IDs of all mails in the archive, by a search that finds each once. */
async function archivedHashes(installation: Installation): Promise<string[]> {
  const { code, stdout, stderr } = await installation.mailtee("search", "user:ben", "--limit", "9999", "--json");
  assertEquals(code, 0, stderr);
  const documents: unknown[] = decodeUtf8(stdout).split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line)
  );
  return documents.map((document) =>
    typeof document === "object" && document !== null && "id" in document ? String(document.id) : "(no id)"
  );
}
