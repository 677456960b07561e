/** The office's programs: they send, they fetch, and now and then they hang up in the middle. */

import { equalBytes } from "../../src/base/bytes.ts";
import { stuff } from "../../src/demo/wire.ts";
import { mailOf, ownTokenOf } from "./soak_mails.ts";
import { type Door, Visitor } from "./visitor.ts";

/** What a client was told of one mail; the octets aren't kept. */
export interface Told {
  readonly token: string;
  readonly by: "smtp" | "pop3";
  told: "accepted" | "refused" | "nothing";
  reply: string;
  /** POP3: other octets came than were put into the mailbox. */
  wrong: boolean;
}

export interface Letter {
  readonly token: string;
  readonly from: string;
  readonly to: readonly string[];
}

/** Sends letters by one session. `hangUpIn`: the client vanishes in the middle of that one. */
export async function sendLetters(
  door: Door,
  letters: readonly Letter[],
  book: Told[],
  hangUpIn: Letter | undefined,
): Promise<void> {
  const visitor = await Visitor.enter("smtp", door);
  try {
    await visitor.ask("EHLO pc.company.example");
    for (const letter of letters) {
      const entry: Told = { token: letter.token, by: "smtp", told: "nothing", reply: "", wrong: false };
      book.push(entry);
      await visitor.ask(`MAIL FROM:<${letter.from}>`);
      for (const address of letter.to) await visitor.ask(`RCPT TO:<${address}>`);
      await visitor.ask("DATA");
      const octets = stuff(mailOf(letter.token).content);
      if (letter === hangUpIn) return await visitor.send(octets.subarray(0, Math.floor(octets.length / 2)));
      await visitor.send(octets);
      decide(entry, await visitor.hear(), "2");
    }
    await visitor.ask("QUIT");
  } finally {
    visitor.leave();
  }
}

function decide(entry: Told, reply: string, good: string): void {
  entry.reply = reply;
  entry.told = reply.startsWith(good) ? "accepted" : "refused";
}

/** Somebody's program that fetches mails. */
export interface Fetcher {
  readonly user: string;
  /** UIDs that it has fetched whole: it goes by them unless it has no memory. */
  readonly fetched: Set<string>;
  /** "deletes" what it has fetched, "leaves" it on the server until there are many, or is "forgetful": fetches all. */
  readonly habit: "deletes" | "leaves" | "forgetful";
}

/** A mailbox of somebody who leaves mails on the server has no more than so many after a visit. */
const MAX_LEFT = 40;
/** So many of the newest are fetched by one who has no memory. */
const FORGETFUL_FETCHES = 5;

/** Fetches what is new by one session. `hangsUp`: the client vanishes in the middle of the first mail. */
export async function fetchLetters(door: Door, fetcher: Fetcher, book: Told[], hangsUp: boolean): Promise<void> {
  const visitor = await Visitor.enter("pop3", door);
  const { habit, fetched } = fetcher;
  try {
    await visitor.ask(`USER ${fetcher.user}`);
    await visitor.ask("PASS secret");
    await visitor.ask("UIDL");
    const uids = (await visitor.list()).map((line) => line.split(" ")[1] ?? "");
    const wanted = habit === "forgetful"
      ? uids.slice(-FORGETFUL_FETCHES)
      : uids.filter((uid) => habit === "deletes" || !fetched.has(uid));
    for (const uid of wanted) {
      const number = uids.indexOf(uid) + 1;
      if (hangsUp) return await beginToFetch(visitor, number, book, fetched.has(uid));
      const entry = await fetchOne(visitor, number, book, fetched.has(uid));
      if (entry.told !== "accepted") continue;
      if (habit === "deletes") await visitor.ask(`DELE ${number}`);
      else fetched.add(uid);
    }
    if (habit === "leaves") await tidy(visitor, uids, fetched);
    await visitor.ask("QUIT");
  } finally {
    visitor.leave();
  }
}

/** A mail that was fetched before isn't copied again, so that it stands in the book once. */
async function fetchOne(visitor: Visitor, number: number, book: Told[], before: boolean): Promise<Told> {
  const reply = await visitor.ask(`RETR ${number}`);
  const content = reply.startsWith("+OK") ? await visitor.block() : new Uint8Array(0);
  const token = ownTokenOf(content) ?? "a mail without a token";
  const entry: Told = { token, by: "pop3", told: "nothing", reply: "", wrong: false };
  decide(entry, reply, "+OK");
  entry.wrong = !equalBytes(content, mailOf(token).content);
  if (!before || entry.wrong) book.push(entry);
  return entry;
}

/** Begins to fetch, and hears no more than what mail it is. */
async function beginToFetch(visitor: Visitor, number: number, book: Told[], before: boolean): Promise<void> {
  await visitor.ask(`RETR ${number}`);
  for (;;) {
    const [, token] = /^Subject: (\S+)$/.exec(await visitor.line()) ?? [];
    if (token === undefined) continue;
    if (!before) book.push({ token, by: "pop3", told: "nothing", reply: "", wrong: false });
    return;
  }
}

/** Deletes the oldest of a mailbox that has become full. */
async function tidy(visitor: Visitor, uids: readonly string[], fetched: Set<string>): Promise<void> {
  const old = uids.slice(0, Math.max(0, uids.length - MAX_LEFT)).filter((uid) => fetched.delete(uid));
  for (const uid of old) await visitor.ask(`DELE ${uids.indexOf(uid) + 1}`);
}
