import { assertEquals, assertGreater } from "@std/assert";
import { randomSource } from "../net/random.ts";
import { bytesOf, type MemoryConnection, textOf } from "./memory_connection.ts";
import { RelayedSession } from "./relayed_session.ts";

const SESSIONS = 400;
const COMMANDS = 25;

/** The last line of mail `number`, by which a whole mail is recognised wherever it appears. */
const lastLine = (number: number) => `end-of-mail-${number}`;

function mailText(number: number): string {
  return `Subject: mail ${number}\r\n\r\n.dots\r\n..\r\nbody\r\n${lastLine(number)}\r\n`;
}

/** A server that takes for a retrieval whatever any server might, and has commands that the proxy doesn't know. */
class LenientServer {
  readonly #connection: MemoryConnection;
  readonly #random: (below: number) => number;
  #input = "";

  constructor(connection: MemoryConnection, random: (below: number) => number) {
    this.#connection = connection;
    this.#random = random;
  }

  /** Answers until QUIT. */
  async serve(): Promise<void> {
    for (;;) {
      this.#input += await this.#connection.taken();
      for (let end = this.#input.search(/\r?\n|\r/); end >= 0; end = this.#input.search(/\r?\n|\r/)) {
        const line = this.#input.slice(0, end);
        this.#input = this.#input.slice(end).replace(/^(\r?\n|\r)/, "");
        this.#answer(this.#replyTo(line));
        if (/^QUIT/.test(line) || this.#connection.closed) return;
      }
      if (this.#connection.closed) return;
    }
  }

  #replyTo(line: string): string {
    const words = line.toUpperCase().split(/[\s\0,]+/).filter((word) => word !== "");
    const verb = (words[0] ?? "").replaceAll(/[^A-Z0-9]/g, "");
    const number = Number.parseInt((words[1] ?? "").replace(/^[+#]/, ""));
    const mail = number >= 1 && number <= 3 ? mailText(number) : null;
    if (/^(RETR|XRETR|FETCH)/.test(verb)) {
      return mail === null ? "-ERR\r\n" : `+OK\r\n${mail.replaceAll(/^\./gm, "..")}.\r\n`;
    }
    if (verb.startsWith("TOP")) return mail === null ? "-ERR\r\n" : `+OK\r\n${mail.split("\r\n\r\n")[0]}\r\n\r\n.\r\n`;
    if (verb === "UIDL" && words.length < 2) return "+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n";
    if (verb === "UIDL") return mail === null ? "-ERR\r\n" : `+OK ${number} u\r\n`;
    if (verb === "LIST" && words.length < 2) return "+OK\r\n1 9\r\n.\r\n";
    if (verb === "CAPA") return "+OK\r\nPIPELINING\r\n.\r\n";
    if (verb === "XLIST") return "+OK\r\n.\r\n";
    return this.#random(4) === 0 && verb !== "NOOP" && verb !== "QUIT" ? "-ERR\r\n" : "+OK\r\n";
  }

  /** In pieces of any length. */
  #answer(reply: string): void {
    for (let start = 0; start < reply.length;) {
      const end = start + 1 + this.#random(reply.length);
      this.#connection.send(bytesOf(reply.slice(start, end)));
      start = end;
    }
  }
}

const VERBS = [
  ...["RETR", "retr", "RETR", "XRETR", "FETCH", "XLIST", "XONE", "TOP", "STAT", "LIST", "UIDL", "NOOP", "DELE", "CAPA"],
  ...[
    "RETRX",
    "RETRIEVE",
    " RETR",
    "\tRETR",
    "\0RETR",
    "RE\0TR",
    "R\x08ETR",
    "\x80RETR",
    "NOOP\rRETR",
    "RETR\v",
    "LAST",
  ],
];
const PLAIN_LINES = ["RETR 1", "RETR 2", "RETR 3", "LIST", "UIDL", "UIDL 2", "STAT", "TOP 1 0", "XRETR 1", "XONE"];
const SEPARATORS = [" ", " ", " ", "  ", "\t", "\0", ",", "\r", ""];
const ARGUMENTS = ["1", "2", "3", "02", "+1", "#1", "1 2", "4", "0", "", "1\0", "1\r", "2 0", "1 99999", "3x", "1\tx"];

Deno.test("Relay gives no client a mail without a copy, and never gets out of step", async () => {
  let delivered = 0;
  for (let seed = 1; seed <= SESSIONS; seed++) {
    const source = randomSource(seed);
    const random = (below: number) => Math.floor(source() * below);
    const pick = (list: readonly string[]) => list[random(list.length)] ?? "";
    const session = new RelayedSession({ limits: { maxErrors: 1000 } });
    const served = new LenientServer(session.target, random).serve();
    const lines = ["CAPA", "USER anna", "PASS x"];
    for (let count = 0; count < COMMANDS; count++) {
      lines.push(random(3) === 0 ? pick(PLAIN_LINES) : pick(VERBS) + pick(SEPARATORS) + pick(ARGUMENTS));
    }
    lines.push("QUIT");
    const input = lines.map((line) => `${line}\r\n`).join("");
    for (let start = 0; start < input.length;) {
      const end = start + 1 + random(60);
      session.client.send(bytesOf(input.slice(start, end)));
      start = end;
    }
    session.client.sendEnd();
    const end = await session.end;
    await served;
    assertEquals(end, "quit", `seed ${seed}`);
    const got = session.client.unread;
    for (const number of [1, 2, 3]) {
      const copies = session.drop.kept.filter(({ mail }) => textOf(mail) === mailText(number)).length;
      assertEquals(got.split(lastLine(number)).length - 1, copies, `seed ${seed}, mail ${number}`);
    }
    assertEquals(session.drop.open.size, 0);
    delivered += session.drop.kept.length;
  }
  assertGreater(delivered, SESSIONS);
});
