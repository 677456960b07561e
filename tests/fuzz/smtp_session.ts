/** One random SMTP session through a proxy, with a model beside it: what was sent = what was received = what is kept. */

import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { roomLogger } from "../../src/base/log.ts";
import { Counters } from "../../src/smtp/counters.ts";
import { LoginGate } from "../../src/smtp/login_gate.ts";
import { resolveSmtpOptions } from "../../src/smtp/options.ts";
import { ProxySession } from "../../src/smtp/proxy_session.ts";
import { textOf } from "../unit/pop3/memory_connection.ts";
import { InstantDrop, type KeptMail } from "./instant_drop.ts";
import { Random } from "./random.ts";
import { authResponse, commands, mailText } from "./smtp_input.ts";
import { mailsOfConversation, type ReadMail } from "./smtp_reading.ts";
import { SmtpTarget } from "./smtp_target.ts";
import { type SessionTally, stillClock, Wire } from "./wire.ts";

/** How far a session gets in good order before it turns. Each line waits for its reply. */
const WAYS = {
  greeted: [],
  "after EHLO": ["EHLO fuzz.example"],
  "after HELO": ["HELO fuzz.example"],
  "after MAIL": ["EHLO fuzz.example", "MAIL FROM:<a@x.example>"],
  "after RCPT": ["EHLO fuzz.example", "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>"],
  "in DATA": ["EHLO fuzz.example", "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>", "DATA"],
  "in BDAT": ["EHLO fuzz.example", "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>", "BDAT 5\r\nfirst"],
  "in AUTH": ["EHLO fuzz.example", "AUTH LOGIN"],
  "under TLS": ["EHLO fuzz.example", "STARTTLS", "EHLO fuzz.example"],
} as const satisfies Record<string, readonly string[]>;

export type SmtpWay = keyof typeof WAYS;

export const SMTP_WAYS: readonly SmtpWay[] = Object.keys(WAYS).filter(isWay);

function isWay(name: string): name is SmtpWay {
  return Object.hasOwn(WAYS, name);
}

const EXTENSIONS = ["PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME", "DSN", "SIZE 10000000", "AUTH PLAIN LOGIN"];
const LISTEN = { address: "127.0.0.1", port: 25, tls: "starttls", certificate: { cert: "", key: "" } } as const;
const PROBE = ["RSET", "MAIL FROM:<probe@x.example>", "RCPT TO:<b@x.example>", "DATA"];

/** Runs the session of this seed; throws, with the seed, where the model differs. */
export async function fuzzSmtpSession(seed: number, way: SmtpWay): Promise<SessionTally> {
  const random = new Random(seed);
  const bareNewline = random.oneIn(4) ? "reject" : "normalize";
  const target = new SmtpTarget({
    extensions: EXTENSIONS.filter((keyword) => random.below(8) > 0 || keyword.startsWith("AUTH")),
    refuses: (recipient) => recipient.startsWith("no"),
    answer: (content) => content.length % 5 === 4 ? "554 5.7.1 No" : "250 2.0.0 Queued",
    hangsUpAt: random.oneIn(8) ? random.below(12) : null,
  });
  const wire = new Wire(random, target, SmtpTarget.greeting);
  const drop = new InstantDrop();
  const counters = new Counters();
  const session = new ProxySession({
    id: "1",
    connection: wire.client,
    listen: LISTEN,
    options: resolveSmtpOptions({
      name: "fuzz",
      listen: [LISTEN],
      target: { host: "target.example", port: 25, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 1 },
      bareNewline,
    }),
    dial: () => Promise.resolve(wire.server),
    drop,
    clock: stillClock,
    log: roomLogger("smtp"),
    counters,
    loginGate: new LoginGate(stillClock),
  });
  try {
    const running = session.run();
    await talk(wire, random, way);
    await wire.end(running);
    assertEquals(counters.snapshot().sessions.ended["internal-error"], undefined, "an error of the program");
    assertEquals(target.oddities, [], "the target got what no server understands");
    assertEquals(drop.open.size, 0, "captures were left open");
    const kept = surelyAccepted(drop.kept);
    assertEquals(kept, target.mails, "copies and received mails differ");
    const sent = mailsOfConversation(wire.said, wire.heard);
    assertEquals(wire.broken ? kept.slice(0, sent.length) : kept, sent, "copies and sent mails differ");
    return { inputs: wire.inputs, mails: drop.kept.length };
  } catch (error) {
    const told = JSON.stringify({ said: wire.said, heard: wire.heard });
    throw new Error(`SMTP ${way}, seed ${seed}: ${told}`, { cause: error });
  }
}

async function talk(wire: Wire, random: Random, way: SmtpWay): Promise<void> {
  await wire.settle();
  for (const line of WAYS[way]) {
    wire.say(line.startsWith("BDAT") ? line : `${line}\r\n`);
    await wire.settle();
  }
  for (let turns = 1 + random.below(4); turns > 0; turns--) {
    await misbehave(wire, random);
    if (!random.oneIn(3)) await wire.settle();
  }
  if (random.oneIn(2)) return;
  await wire.settle();
  if (isReply(wire.heard, "354")) wire.say("\r\n.\r\n");
  for (const line of PROBE) {
    await wire.settle();
    wire.say(`${line}\r\n`);
  }
  await wire.settle();
  if (isReply(wire.heard, "354")) wire.say("Subject: probe\r\n\r\nstill in step\r\n.\r\n");
}

async function misbehave(wire: Wire, random: Random): Promise<void> {
  if (isReply(wire.heard, "354")) {
    wire.say(mailText(random));
    if (random.oneIn(3)) await wire.settle();
    if (!random.oneIn(8)) wire.say("\r\n.\r\n");
    if (random.oneIn(4)) wire.say(commands(random));
  } else if (isReply(wire.heard, "334") && !random.oneIn(4)) {
    wire.say(authResponse(random));
  } else {
    wire.say(commands(random));
  }
}

/** True where this is the last that was heard. */
function isReply(heard: string, code: string): boolean {
  return heard.startsWith(code, heard.lastIndexOf("\r\n", heard.length - 3) + 2);
}

/** Where the answer was lost, the copy says "unknown": the target has the mail, and the client knows of none. */
function surelyAccepted(kept: readonly KeptMail[]): ReadMail[] {
  return kept.filter(({ outcome }) => outcome === "accepted").map(({ start, content }) => ({
    from: textOf(encodeUtf8(start.smtp?.mailFrom ?? "")),
    to: (start.smtp?.recipients ?? []).map((recipient) => textOf(encodeUtf8(recipient.address))),
    content,
  }));
}
