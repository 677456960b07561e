/** The four ledgers: what clients were told, what the upstream holds, what was copied, what was archived. */

import { createHash } from "node:crypto";
import type { Archive } from "../../src/archive/types.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import { errorText } from "../../src/base/errors.ts";
import { listDropFolder } from "../../src/drop/folder.ts";
import { readCapture, readMail } from "../../src/drop/reader.ts";
import type { Outcome } from "../../src/drop/types.ts";
import type { ToldMail } from "./clients.ts";
import { type LoadMail, tokenOf } from "./mails.ts";
import type { HeldMail } from "./upstream.ts";

/** One copy, in the drop folder or taken into the archive. */
export interface CopiedMail {
  readonly id: string;
  readonly token: string | null;
  readonly outcome: Outcome;
  readonly kind: "smtp" | "lmtp" | "pop3";
  readonly recipients: readonly string[];
  readonly content: Uint8Array;
}

export interface Ledgers {
  readonly told: readonly ToldMail[];
  readonly held: readonly HeldMail[];
  readonly copies: readonly CopiedMail[];
  /** What can't be read, and names that stayed in `.incoming/`. */
  readonly disorder: readonly string[];
}

/**
 * What the program met: after a power cut less is known than after its death. Where "connections" broke, a client may
 * have been refused for want of the target's answer, whether or not the target has the mail.
 */
export type Ending = "killed" | "power-cut" | "connections";

/** What is there after the next start, in a drop folder. */
export async function readCopies(drop: string): Promise<Pick<Ledgers, "copies" | "disorder">> {
  const copies: CopiedMail[] = [];
  const disorder: string[] = [];
  for (const entry of await listDropFolder(drop)) {
    try {
      const file = await readCapture(entry.path);
      const { id, outcome, proxy, smtp } = file.report;
      const content = await readMail(file);
      const recipients = smtp?.recipients.map(({ address }) => address) ?? [];
      if (entry.captureId !== id) disorder.push(`${entry.name} holds capture ${id}`);
      copies.push({ id, token: tokenOf(content), outcome, kind: proxy.kind, recipients, content });
    } catch (error) {
      disorder.push(errorText(error));
    }
  }
  for (const name of leftInIncoming(`${drop}/.incoming`)) disorder.push(`.incoming/ still holds ${name}`);
  return { copies, disorder };
}

/** Captures in the making, of whatever writer. */
function leftInIncoming(incoming: string): string[] {
  try {
    return Array.from(Deno.readDirSync(incoming)).filter(({ isDirectory }) => isDirectory).flatMap(({ name }) =>
      Array.from(Deno.readDirSync(`${incoming}/${name}`), (file) => `${name}/${file.name}`)
        .filter((file) => /\.(?:part|settled)$/.test(file))
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** One broken rule, in words. */
export type Violation = string;

/** Compares the first three ledgers by the rules of docs/durability.md. */
export function violations({ told, held, copies, disorder }: Ledgers, ending: Ending): Violation[] {
  const found: Violation[] = [...disorder];
  const ids = new Set(copies.map(({ id }) => id));
  if (ids.size < copies.length) found.push("a capture is there twice");
  const attempts = byToken(told.map((each) => ({ ...each, token: each.mail.token })));
  const holdings = byToken(held);
  const copiesOf = byToken(copies);
  for (const token of new Set([...attempts.keys(), ...holdings.keys(), ...copiesOf.keys()])) {
    const tried = attempts.get(token) ?? [];
    const mine = copiesOf.get(token) ?? [];
    for (const problem of ofOneMail(tried, holdings.get(token) ?? [], mine, ending)) found.push(`${token}: ${problem}`);
  }
  return found;
}

function* ofOneMail(
  tried: readonly ToldMail[],
  held: readonly HeldMail[],
  copies: readonly CopiedMail[],
  ending: Ending,
): Generator<Violation> {
  const mail: LoadMail | undefined = tried[0]?.mail;
  if (mail === undefined) {
    yield "nobody sent it, and it is there";
    return;
  }
  const accepted = tried.filter(({ told }) => told === "accepted");
  if (copies.length < accepted.length) {
    yield `${accepted.length} times told accepted, and ${copies.length} copies`;
  }
  if (copies.length > tried.length) yield `${tried.length} times sent, and ${copies.length} copies`;
  if (copies.length < held.length) yield `the upstream holds ${held.length}, and there are ${copies.length} copies`;
  const settled = copies.filter(({ outcome, kind }) => outcome === "accepted" && kind !== "pop3");
  if (settled.length > held.length) yield `${settled.length} copies say accepted, the upstream holds ${held.length}`;
  const known = copies.filter(({ outcome }) => outcome !== "unknown").length;
  if (ending !== "power-cut" && known < accepted.length) {
    yield `${accepted.length} times told accepted, and only ${known} copies say so`;
  }
  const refused = tried.filter((each) => each.told === "refused").length;
  const lost = held.length - accepted.length;
  if (ending === "killed" && copies.length > tried.length - refused + Math.max(0, lost)) {
    yield `${refused} times refused, and ${copies.length} copies`;
  }
  if (ending === "connections" && known > tried.length - refused) {
    yield `${refused} times refused, and ${known} copies that don't say "unknown"`;
  }
  for (const { content, id } of copies) {
    if (!equalBytes(content, mail.normalized)) yield `copy ${id} holds other octets than were sent`;
  }
  for (const { content } of held) {
    if (!equalBytes(content, mail.normalized)) yield "the upstream holds other octets than were sent";
  }
  for (const { fetched } of accepted) {
    if (fetched !== null && !equalBytes(fetched, mail.normalized)) yield "the client fetched other octets";
  }
  for (const { recipients, kind, outcome } of copies) {
    if (recipients.includes("unknown@other.example")) yield "a recipient that was refused is in the report";
    const mixed = kind === "lmtp" && outcome === "accepted" && mail.token.includes("mixed");
    if (mixed && recipients.length !== 1) yield `the report has ${recipients.length} recipients, one was accepted`;
  }
}

function byToken<T extends { readonly token: string | null }>(entries: readonly T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const entry of entries) {
    const key = entry.token ?? "a mail without a token";
    found.set(key, [...found.get(key) ?? [], entry]);
  }
  return found;
}

/** Compares the archive with the captures that there were: each is in it once, with its octets, and nothing else is. */
export async function archiveViolations(archive: Archive, copies: readonly CopiedMail[]): Promise<Violation[]> {
  const found: Violation[] = [...await archive.catalog.check()];
  const archived = await archive.catalog.archivedCaptures(copies.map(({ id }) => id));
  for (const { id, token, content } of copies) {
    const sha256 = createHash("sha256").update(content).digest("hex");
    if (archived.get(id) !== sha256) {
      found.push(`${token ?? id}: the archive has ${archived.get(id) ?? "no such capture"}`);
    } else if ((await archive.store.check(sha256)).state !== "sound") {
      found.push(`${token ?? id}: its content isn't sound`);
    }
  }
  const { captures } = await archive.catalog.totals();
  if (captures !== copies.length) found.push(`the archive has ${captures} captures, there were ${copies.length}`);
  return found;
}
