/** The four ledgers at the end of a day. */

import { openArchive } from "../../src/archive/archive.ts";
import type { RunRecord } from "../../src/archive/types.ts";
import { verifyArchive } from "../../src/archive/verify.ts";
import { systemClock } from "../../src/base/clock.ts";
import { runProfile } from "../../src/ingest/run_profile.ts";
import { sha256Of } from "./sha256.ts";
import type { ToldMail } from "../faults/clients.ts";
import { archiveViolations, type Ledgers, readCopies, type Violation, violations } from "../faults/ledgers.ts";
import type { LoadMail } from "../faults/mails.ts";
import { readArchived } from "../faults/traced_kill.ts";
import type { Told } from "./office.ts";
import { COLLECT_EVERY_MINUTES, type Premises } from "./premises.ts";
import type { TakenMail } from "./provider.ts";
import { mailOf } from "./soak_mails.ts";

export interface Day {
  readonly premises: Premises;
  readonly told: readonly Told[];
  readonly taken: readonly TakenMail[];
  /** Captures that the program has counted. */
  readonly committed: number;
  /** Simulated minutes. */
  readonly minutes: number;
}

/** Archives what is left in the drop folder, and compares what everybody knows. */
export async function reckon({ premises, told, taken, committed, minutes }: Day): Promise<Violation[]> {
  const archive = await openArchive(premises.archive);
  const found: Violation[] = [];
  try {
    found.push(...runViolations(await archive.catalog.runs({ profile: "collect" }), minutes));
    const { archive: settings, profiles } = await premises.config();
    const profile = profiles["collect"];
    if (profile === undefined || settings === null) throw new Error("the config has lost its archive");
    const { signal } = new AbortController();
    const last = await runProfile({ profile, archive, users: settings.users, clock: systemClock, signal });
    for (const { file, reason } of last.notArchived) found.push(`${file} isn't archived: ${reason}`);
    const { copies, disorder } = await readArchived(archive);
    const left = await readCopies(premises.drop);
    const ledgers = { copies, disorder: [...disorder, ...left.disorder], ...expand(told, taken) };
    found.push(...violations(ledgers, "killed"), ...await archiveViolations(archive, copies));
    if (copies.length !== committed) found.push(`${committed} captures were made, ${copies.length} are archived`);
    for await (const event of verifyArchive(archive)) if (event.kind === "damage") found.push(event.damage.reason);
  } finally {
    archive.close();
  }
  return found;
}

/** The schedule neither skips nor doubles a run. */
function runViolations(runs: readonly RunRecord[], minutes: number): Violation[] {
  const due = Math.floor((minutes - 1) / COLLECT_EVERY_MINUTES);
  const times = new Set(runs.map(({ started }) => started.slice(0, 16)));
  const unfinished = runs.filter(({ protocol }) => protocol === null).length;
  return [
    ...runs.length === due && times.size === due ? [] : [`${due} runs were due, there were ${runs.length}`],
    ...unfinished === 0 ? [] : [`${unfinished} runs didn't come to their end`],
  ];
}

/** The books with their mails, each made once. */
function expand(told: readonly Told[], taken: readonly TakenMail[]): Pick<Ledgers, "told" | "held"> {
  const mails = new Map<string, { readonly mail: LoadMail; readonly sha256: string }>();
  const known = (token: string) => {
    const before = mails.get(token);
    if (before !== undefined) return before;
    const mail = mailOf(token);
    const made = { mail, sha256: sha256Of(mail.content) };
    mails.set(token, made);
    return made;
  };
  return {
    told: told.map((each): ToldMail => ({
      mail: known(each.token).mail,
      by: each.by,
      told: each.told,
      reply: each.reply,
      fetched: each.wrong ? new Uint8Array(0) : null,
    })),
    held: taken.map(({ token, sha256 }) => {
      const { mail, sha256: expected } = known(token ?? "");
      return { token, content: sha256 === expected ? mail.content : new Uint8Array(0) };
    }),
  };
}
