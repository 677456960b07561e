import { openArchive } from "../archive/archive.ts";
import { parseQuery } from "../archive/query_parser.ts";
import type { Archive } from "../archive/types.ts";
import { verifyArchive } from "../archive/verify.ts";
import { equalBytes } from "../base/bytes.ts";
import { listDropFolder } from "../drop/folder.ts";
import { runProfile } from "../ingest/run_profile.ts";
import type { RunResult } from "../ingest/types.ts";
import { countOf, type Scene } from "./scene.ts";
import { CLAIRE, configText, PROFILE } from "./setting.ts";

/** The first run: one mail belongs to nobody. */
export async function archiveFirst(scene: Scene): Promise<void> {
  const { narrator, app } = scene;
  narrator.step(`The archive profile '${PROFILE}' runs.`);
  const result = await runNightly(scene);
  const files = await listDropFolder(app.config.dropFolder);
  narrator.check(
    result.archived === files.length - 1 && result.unassigned === 1 && result.failed === 0,
    resultText(result),
  );
  const [left, ...more] = result.notArchived;
  narrator.check(
    left?.addresses.includes("claire@company.example") === true && more.length === 0 &&
      files.some(({ name }) => name === left.file),
    `Left in the folder: ${left?.file}: ${left?.reason}`,
  );
}

/** The second run, after the missing user came into the config. */
export async function archiveAgain(scene: Scene): Promise<void> {
  const { narrator, app, configFile, server, samples } = scene;
  narrator.step(`The user ${CLAIRE.name} is added to the config, which is read anew, and the profile runs again.`);
  await Deno.writeTextFile(configFile, configText({ smtp: server.smtpPort, pop3: server.pop3Port }, true));
  await app.reload(await scene.loadConfig(configFile));
  const result = await runNightly(scene);
  narrator.check(
    result.archived === 1 && result.alreadyArchived === result.found - 1 && result.unassigned === 0 &&
      result.failed === 0,
    resultText(result),
  );
  const { mails, captures } = await withArchive(scene, ({ catalog }) => catalog.totals());
  narrator.check(
    mails === samples.length && captures === result.found,
    `The archive holds ${countOf(mails, "mail")} of ${countOf(captures, "transmission")}; ` +
      "a mail that was sent and fetched is kept once.",
  );
}

/** Queries, each with the beginning of the only subject that it may find. */
const QUERIES: readonly (readonly [query: string, subject: string])[] = [
  ["from:anna invoice", "Invoice 2026-1041"],
  ["attachment:lieferbedingungen", "Invoice 2026-1041"],
  ["subject:größen", "Rückfrage zu Größen"],
  ["user:claire thursday", "Delivery on Thursday"],
  ["larger:5M", "Scan 000417"],
];

/** Finds mails by words, attachment names, users and size. */
export async function search(scene: Scene): Promise<void> {
  const { narrator, clock } = scene;
  narrator.step("Searches find what they should, and nothing else.");
  await withArchive(scene, async ({ catalog }) => {
    for (const [query, subject] of QUERIES) {
      const { mails: [mail, ...more] } = await catalog.search(parseQuery(query, { now: clock.now() }));
      narrator.check(
        mail?.subject.startsWith(subject) === true && more.length === 0,
        `${query} → ${mail?.subject ?? "nothing"}`,
      );
    }
  });
}

/** Compares every sample with what the archive gives back. */
export async function readBack(scene: Scene): Promise<void> {
  const { narrator, samples } = scene;
  narrator.step("Every mail is taken out of the archive again, as 'mailtee show --raw' does.");
  const same = await withArchive(scene, async ({ store }) => {
    for (const { content } of samples) {
      const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
      if (!equalBytes(await store.read(sha256), content)) return false;
    }
    return true;
  });
  narrator.check(same, `All ${samples.length} are byte for byte what the client sent.`);
}

/** Re-hashes every mail. */
export async function verify(scene: Scene): Promise<void> {
  const { narrator, samples, signal } = scene;
  narrator.step("The archive is verified: every mail is hashed anew, the catalog is compared with what is stored.");
  let checked = 0;
  const damages: string[] = [];
  await withArchive(scene, async (archive) => {
    for await (const event of verifyArchive(archive, { signal })) {
      if (event.kind === "progress") checked = event.checked;
      if (event.kind === "damage") damages.push(event.damage.reason);
    }
  });
  narrator.check(
    damages.length === 0 && checked === samples.length,
    `${countOf(checked, "mail")} checked, ${damages.length === 0 ? "no damage" : damages.join("; ")}.`,
  );
}

async function runNightly({ app, clock, signal }: Scene): Promise<RunResult> {
  const { profiles, archive } = app.config;
  const profile = profiles[PROFILE];
  if (profile === undefined || archive === null) throw new Error("The demo's config has no profile.");
  return await withArchive(
    { app, clock },
    (opened) => runProfile({ profile, archive: opened, users: archive.users, clock, signal }),
  );
}

async function withArchive<T>(
  { app, clock }: Pick<Scene, "app" | "clock">,
  work: (archive: Archive) => Promise<T>,
): Promise<T> {
  const archive = await openArchive(app.config.archive?.path ?? "", { clock });
  try {
    return await work(archive);
  } finally {
    archive.close();
  }
}

function resultText({ found, archived, alreadyArchived, unassigned, failed, bytes }: RunResult): string {
  return `found ${found}, archived ${archived} (${bytes} bytes), already archived ${alreadyArchived}, ` +
    `unassigned ${unassigned}, failed ${failed}`;
}
