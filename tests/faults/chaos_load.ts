/** Clients by chance: many at once, of both protocols, with and without TLS, over connections that meet trouble. */

import type { TlsMode } from "../../src/net/types.ts";
import { fetchMails, sendMails, type ToldMail } from "./clients.ts";
import type { Plan, Trouble } from "./faulty_relay.ts";
import { type LoadMail, makeMail } from "./mails.ts";

/** Where a client connects. */
export interface Entrance {
  readonly kind: "smtp" | "pop3";
  readonly tls: TlsMode;
  readonly port: number;
}

/** What a round of the load knows. */
export interface Round {
  readonly told: ToldMail[];
  /** All mails that were put into the mailbox. */
  readonly known: Map<string, LoadMail>;
  sessions: number;
}

export interface LoadOptions {
  readonly entrances: readonly Entrance[];
  readonly mailbox: LoadMail[];
  readonly random: () => number;
  /** Begins the tokens of this round's mails. */
  readonly name: string;
  readonly ms: number;
}

const CLIENTS = 48;
const MAILBOX_SIZE = 6;
/** Longer than the program's time limits: it has to be the first to give up. */
const PATIENCE_MS = 5000;

/** Begins sessions until the time is over, and resolves when all have ended. */
export async function runLoad(options: LoadOptions): Promise<Round> {
  const round: Round = { told: [], known: new Map(), sessions: 0 };
  const end = performance.now() + options.ms;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (performance.now() < end) await runSession(options, round);
  });
  await Promise.all(clients);
  return round;
}

async function runSession({ entrances, mailbox, random, name }: LoadOptions, round: Round): Promise<void> {
  const entrance = pick(entrances, random);
  const { kind, port, tls } = entrance;
  const session = `${name}-${++round.sessions}`;
  const mail = (number: number, word: string) =>
    makeMail(`${session}-${number}${word}`, random, { large: random() < 0.1 });
  const way = { tls, limitMs: PATIENCE_MS };
  if (kind === "pop3") {
    while (mailbox.length < MAILBOX_SIZE) {
      const added = mail(mailbox.length, "-fetched");
      round.known.set(added.token, added);
      mailbox.push(added);
    }
    return await fetchMails(port, round.known, round.told, "carla", way);
  }
  const mails = Array.from(
    { length: 1 + Math.floor(random() * 4) },
    (_, number) => mail(number, random() < 0.1 ? "-refused" : random() < 0.05 ? "-lost" : ""),
  );
  await sendMails({ port, mails, pipelined: random() < 0.3, ...way }, round.told);
}

const TROUBLES: readonly Trouble[] = ["reset", "end", "half-end", "silence", "swallow", "drip"];
/** How far into a connection trouble begins, at most: in greeting and handshake, in the envelope, in a mail. */
const REACHES = [100, 1000, 6000, 100_000];

/** Trouble for about every third connection of a relay. */
export function planByChance(random: () => number): Plan | null {
  if (random() > 0.35) return null;
  const side = random() < 0.5 ? "caller" : "called";
  let left = Math.floor(random() * pick(REACHES, random));
  return {
    trouble: pick(TROUBLES, random),
    begins: (from, piece) => {
      if (from !== side) return null;
      if (left < piece.length) return left;
      left -= piece.length;
      return null;
    },
  };
}

function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
