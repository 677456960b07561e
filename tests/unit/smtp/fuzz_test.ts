/**
 * Random sessions through a proxy, with a model beside it: what a strict server received is what the copies hold, with
 * the same envelopes, whatever the client does. MAILTEE_FUZZ_ROUNDS and MAILTEE_FUZZ_SEED run more, and the same again.
 */

import { assertEquals } from "@std/assert";
import { systemClock } from "../../../src/base/clock.ts";
import { roomLogger } from "../../../src/base/log.ts";
import { startSmtpProxy } from "../../../src/smtp/proxy.ts";
import { MemoryDrop } from "../../dialogs/memory_drop.ts";
import { Sink, type SunkMail } from "./sink.ts";

const rounds = Number(Deno.env.get("MAILTEE_FUZZ_ROUNDS") ?? 40);
const firstSeed = Number(Deno.env.get("MAILTEE_FUZZ_SEED") ?? 1);
const GROUPS = 12;
const SESSION_MS = 20_000;

/** A small random generator, the same for the same seed on every machine (mulberry32). */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  of<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  times<Item>(max: number, make: () => Item): Item[] {
    return Array.from({ length: this.below(max + 1) }, make);
  }
}

const address = (random: Random) => `${random.of(["a", "b", "no", "d.e", "f+g"])}@x.example`;
const odds = ["\r", "\n", "\0", " ", "\t", "<", ">", ",", ".", "\x80", '"', "\\", "\r\n"] as const;

/** What stands between the end markers of a mail; any octets, often dots and newlines. */
function mailText(random: Random): string {
  const pieces = [
    "\r\n",
    "\r\n.",
    ".",
    "\r",
    "\n",
    "\0",
    "x",
    "\xff",
    "Subject: y",
    "\r\n..",
    "\n.\n",
    "\r\n.\r",
    "QUIT",
  ] as const;
  return random.times(20, () => random.of(pieces)).join("");
}

/** One command or more, mostly sensible ones. */
function group(random: Random): string {
  const line = random.of<() => string>([
    () => `MAIL FROM:<${address(random)}>`,
    () => `RCPT TO:<${address(random)}>`,
    () => `RCPT TO:<${address(random)}>`,
    () => `MAIL FROM:<${address(random)}>\r\nRCPT TO:<${address(random)}>\r\nRCPT TO:<${address(random)}>`,
    () => `RSET\r\nMAIL FROM:<${address(random)}>\r\nRCPT TO:<${address(random)}>`,
    () => "RSET",
    () => "NOOP",
    () => `MAIL FROM:<${address(random)}> BODY=8BITMIME`,
    () => `RCPT TO:${address(random)}`,
    () => "EHLO fuzz.example",
    () => "XODD x",
    () => random.times(12, () => random.of(odds)).join(""),
    () => chunks(random),
  ])();
  if (random.below(6) > 0) return `${line}\r\n`;
  const at = random.below(line.length + 1);
  return `${line.slice(0, at)}${random.of(odds)}${line.slice(at)}\r\n`;
}

function chunks(random: Random): string {
  const parts = random.times(3, () => mailText(random));
  const all = parts.map((text) => `BDAT ${text.length}\r\n${text}`).join("");
  const last = mailText(random);
  return `${all}BDAT ${last.length} LAST\r\n${last}`;
}

class FuzzClient {
  readonly #tcp: Deno.TcpConn;
  readonly #random: Random;
  #text = "";

  constructor(tcp: Deno.TcpConn, random: Random) {
    this.#tcp = tcp;
    this.#random = random;
  }

  /** Sends in pieces of random size. */
  async send(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    for (let at = 0; at < bytes.length;) {
      at += await this.#tcp.write(bytes.subarray(at, at + 1 + this.#random.below(40)));
      if (this.#random.below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next reply line; null at the end. */
  async line(): Promise<string | null> {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const at = this.#text.indexOf("\r\n");
      if (at >= 0) {
        const line = this.#text.slice(0, at);
        this.#text = this.#text.slice(at + 2);
        return line;
      }
      const count = await this.#tcp.read(buffer);
      if (count === null) return null;
      this.#text += String.fromCharCode(...buffer.subarray(0, count));
    }
  }

  /** Talks on until `marker` comes back; sends a mail whenever it is asked for one. False where the session ends. */
  async synchronize(marker: string): Promise<boolean> {
    await this.send(`VRFY ${marker}\r\n`);
    for (let line = await this.line(); line !== null; line = await this.line()) {
      if (line === `252 ${marker}`) return true;
      if (line.startsWith("421")) return false;
    }
    return false;
  }

  /** DATA, and a mail where the target wants one. */
  async data(): Promise<boolean> {
    await this.send("DATA\r\n");
    const line = await this.line();
    if (line === null || line.startsWith("421")) return false;
    if (!line.startsWith("354")) return true;
    await this.send(`${mailText(this.#random)}\r\n.\r\n`);
    const marker = `end${this.#random.below(1e6)}`;
    return await this.synchronize(marker);
  }
}

async function session(port: number, random: Random): Promise<void> {
  using tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  tcp.setNoDelay(true);
  const client = new FuzzClient(tcp, random);
  try {
    await client.line();
    await client.send("EHLO fuzz.example\r\n");
    if (!(await client.synchronize("hello"))) return;
    for (let count = 0; count < GROUPS; count++) {
      await client.send(group(random));
      if (!(await client.synchronize(`group${count}`))) return;
      if (random.below(2) === 0 && !(await client.data())) return;
    }
    if (random.below(3) > 0) await client.send("QUIT\r\n");
  } catch (error) {
    // The proxy hung up on what this client sent.
    const gone = [Deno.errors.ConnectionReset, Deno.errors.BrokenPipe, Deno.errors.ConnectionAborted];
    if (!gone.some((kind) => error instanceof kind)) throw error;
  }
}

function kept(drop: MemoryDrop): SunkMail[] {
  return drop.kept.filter(({ settlement }) => settlement.outcome === "accepted").map(({ start, mail }) => ({
    from: start.smtp?.mailFrom ?? "",
    to: (start.smtp?.recipients ?? []).map((recipient) => recipient.address),
    content: Array.from(mail, (byte) => String.fromCharCode(byte)).join(""),
  }));
}

/** A session that stops getting anywhere fails the test with its seed. */
async function inTime(seed: number, running: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`seed ${seed}: a session hangs`)), SESSION_MS);
  try {
    await Promise.race([running, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function round(seed: number, bareNewline: "normalize" | "reject", extensions: string[]): Promise<number> {
  const random = new Random(seed);
  const sink = new Sink({
    extensions,
    refuses: (recipient) => recipient.startsWith("no"),
    answer: ({ content }) => content.length % 5 === 0 ? "554 5.7.1 No" : "250 2.0.0 Queued",
  });
  const drop = new MemoryDrop();
  const proxy = await startSmtpProxy({
    name: "fuzz",
    listen: [{ address: "127.0.0.1", port: 0, tls: "none" }],
    target: { host: "127.0.0.1", port: sink.port, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 5000 },
    bareNewline,
  }, { drop, clock: systemClock, log: roomLogger("smtp") });
  try {
    for (let count = 0; count < 3; count++) await inTime(seed, session(proxy.addresses[0]?.port ?? 0, random));
    await proxy.drain(5000);
    const { ended } = proxy.stats().sessions;
    assertEquals(ended["internal-error"], undefined, `seed ${seed}: an error of the program`);
    assertEquals(sink.oddities, [], `seed ${seed}: the target got what no server understands`);
    assertEquals(kept(drop), sink.mails, `seed ${seed}: copies and received mails differ`);
    assertEquals(drop.open.size, 0, `seed ${seed}: captures were left open`);
    return sink.mails.length;
  } finally {
    await proxy.stop();
    await sink.close();
  }
}

const variants: readonly [string, "normalize" | "reject", string[]][] = [
  ["pipelining", "normalize", ["PIPELINING", "8BITMIME", "CHUNKING"]],
  ["one command at a time", "normalize", ["8BITMIME", "CHUNKING"]],
  ["bare newlines refused", "reject", ["PIPELINING", "8BITMIME", "CHUNKING"]],
];

for (const [name, bareNewline, extensions] of variants) {
  Deno.test(`startSmtpProxy() copies exactly what the target takes, in random sessions: ${name}`, async () => {
    let mails = 0;
    for (let count = 0; count < rounds; count++) mails += await round(firstSeed + count, bareNewline, extensions);
    assertEquals(mails >= rounds / 4, true, `only ${mails} mails came through`);
  });
}
