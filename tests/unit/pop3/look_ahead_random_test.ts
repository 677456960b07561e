import { assert, assertEquals, assertGreater } from "@std/assert";
import { randomSource } from "../net/random.ts";
import { GatedDrop } from "./gated_drop.ts";
import { RelayedSession } from "./relayed_session.ts";

const SESSIONS = 120;
const MAILS = 7;
/** Turns of the event loop in which nothing happens, after which nothing will. */
const IDLE_TURNS = 8;

const numbers = Array.from({ length: MAILS }, (_, index) => index + 1);
const replyOf = (number: number) => `+OK ${number}\r\nSubject: ${number}\r\n\r\n..${"body ".repeat(number)}\r\n.\r\n`;

/** What happens in a session, drawn by chance: replies in pieces, flushes that end or fail, and at times an end of it. */
class Chance {
  readonly session: RelayedSession;
  readonly drop = new GatedDrop();
  readonly failed = new Set<number>();
  readonly #below: (limit: number) => number;
  #answered = 0;
  #asked = 0;
  #pieces: string[] = [];

  constructor(seed: number) {
    const source = randomSource(seed);
    this.#below = (limit) => Math.floor(source() * limit);
    this.session = new RelayedSession({}, null, this.drop);
  }

  async logIn(): Promise<void> {
    const { client, target } = this.session;
    client.send("CAPA\r\n");
    await target.received("CAPA\r\n");
    target.send("+OK\r\nPIPELINING\r\n.\r\n");
    await client.received("+OK\r\nPIPELINING\r\nSTLS\r\n.\r\n");
    await this.session.logIn();
    await this.session.exchange("UIDL", `+OK\r\n${numbers.map((number) => `${number} u\r\n`).join("")}.\r\n`);
    client.send(numbers.map((number) => `RETR ${number}\r\n`).join(""));
  }

  /** Gives false where nothing is left to happen. */
  step(mayEnd: boolean): boolean {
    this.#takeQuestions();
    const flushing = [...this.drop.flushing];
    const ends = this.#below(mayEnd ? 40 : 1_000_000);
    if (ends === 0) this.session.client.reset();
    else if (ends === 1) this.session.target.sendEnd();
    else if (ends === 2) this.session.relay.cutShort();
    const ready = flushing[this.#below(flushing.length)];
    const [piece] = this.#pieces;
    if (piece !== undefined && (ready === undefined || this.#below(2) === 0)) {
      this.session.target.send(piece);
      this.#pieces.shift();
    } else if (ready !== undefined && this.#below(5) === 0) {
      this.failed.add(ready);
      this.drop.failFlush(ready);
    } else if (ready !== undefined) {
      this.drop.finishFlush(ready);
    }
    return piece !== undefined || ready !== undefined || this.#answered < this.#asked;
  }

  #takeQuestions(): void {
    this.#asked = this.session.target.unread.split("\r\n").length - 1;
    while (this.#answered < this.#asked) {
      const reply = replyOf(++this.#answered);
      const cut = this.#below(2) === 0 ? reply.length : 1 + this.#below(reply.length);
      this.#pieces.push(...[reply.slice(0, cut), reply.slice(cut)].filter((piece) => piece !== ""));
    }
  }
}

/** The numbers of the mails that came whole, all replies being in order; `rest` is what is left of the last one. */
function readReplies(text: string): { readonly whole: number[]; readonly rest: string } {
  const whole: number[] = [];
  let rest = text;
  for (const number of numbers) {
    const error = /^-ERR [^\r]*\r\n/.exec(rest)?.[0];
    if (error !== undefined) {
      rest = rest.slice(error.length);
      continue;
    }
    if (!rest.startsWith(replyOf(number))) {
      assert(replyOf(number).startsWith(rest), `not the reply to RETR ${number}: ${JSON.stringify(rest)}`);
      break;
    }
    whole.push(number);
    rest = rest.slice(replyOf(number).length);
  }
  return { whole, rest };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("Relay gives no client the end of a mail without a copy, whatever fails, ends first, or is lost", async () => {
  let [delivered, refused, cut] = [0, 0, 0];
  for (let seed = 1; seed <= SESSIONS; seed++) {
    const chance = new Chance(seed);
    const { session, drop, failed } = chance;
    await chance.logIn();
    let ended = false;
    session.end.then(() => ended = true);
    for (let idleTurns = 0; idleTurns < IDLE_TURNS && !ended;) {
      idleTurns = chance.step(seed % 2 === 0) ? 0 : idleTurns + 1;
      await turn();
      const { whole } = readReplies(session.client.unread);
      for (const number of whole) assert(drop.keptNumbers.includes(number), `seed ${seed}: mail ${number} has no copy`);
      assertEquals(whole.filter((number) => failed.has(number)), [], `seed ${seed}`);
    }
    session.target.sendEnd();
    session.client.sendEnd();
    while (drop.flushing.size > 0) {
      for (const number of drop.flushing) drop.finishFlush(number);
      await turn();
    }
    const end = await session.end;
    const { whole, rest } = readReplies(session.client.unread);
    assertEquals([drop.open.size, session.client.closed, session.target.closed], [0, true, true], `seed ${seed}`);
    assertEquals(drop.keptNumbers, drop.keptNumbers.toSorted(), `seed ${seed}`);
    if (end === "target-closed" && rest === "") assertEquals(drop.keptNumbers, whole, `seed ${seed}`);
    delivered += whole.length;
    refused += failed.size;
    if (rest !== "") cut++;
  }
  assertGreater(delivered, SESSIONS);
  assertGreater(refused, SESSIONS / 4);
  assertGreater(cut, 0);
});
