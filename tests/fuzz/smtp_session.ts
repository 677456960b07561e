/** One random SMTP session through a proxy, with a model beside it: what was sent = what was received = what is kept. */

import { assertEquals } from "@std/assert";
import { encodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import { roomLogger } from "../../src/base/log.ts";
import { introduceClient } from "../../src/net/client_introduction.ts";
import { Counters } from "../../src/smtp/counters.ts";
import { LoginGate } from "../../src/smtp/login_gate.ts";
import { resolveSmtpOptions } from "../../src/smtp/options.ts";
import { ProxySession, type ProxySessionParts } from "../../src/smtp/proxy_session.ts";
import { bytesOf, textOf } from "../unit/pop3/memory_connection.ts";
import { Announcements, type TrueClient } from "./announcement_reading.ts";
import { play } from "./fuzzed_session.ts";
import { InstantDrop, type KeptMail } from "./instant_drop.ts";
import { USERS } from "./login_reading.ts";
import { proxyHeaderFor } from "./proxy_header_input.ts";
import { octetsOf } from "./proxy_header_reading.ts";
import { Random } from "./random.ts";
import { readConversation, type SentMail } from "./smtp_onlooker.ts";
import { talkSmtp } from "./smtp_talk.ts";
import { SmtpTarget } from "./smtp_target.ts";
import type { Arrangement, SmtpWay } from "./smtp_ways.ts";
import { type SessionTally, stillClock, Wire } from "./wire.ts";

const EXTENSIONS = ["PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME", "DSN", "SIZE 10000000", "AUTH PLAIN LOGIN"];
const ATTRIBUTES = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT", "SOURCE"];
const CLIENTS = ["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "::1"] as const;
const REFUSALS = ["501 5.5.4 What?", "550 5.7.0 Not you", "450 4.7.1 Not this client"] as const;
const LOAD_BALANCER = { address: "127.0.0.1", port: 1 };
const LISTEN = { address: "127.0.0.1", port: 25, tls: "starttls", certificate: { cert: "", key: "" } } as const;

/** Passwords are their own hashes here: a real one takes time, and a thread of its own. */
const clients = [...USERS].map(([user, password]) => ({
  username: new TextDecoder().decode(bytesOf(user)),
  passwordHash: `$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$${bytesOf(password).toBase64({ omitPadding: true })}`,
}));

/** What a session is made of, with a bug sown in one of its parts. */
export type Sowing = (parts: ProxySessionParts) => ProxySessionParts;

/** Runs the session of this seed; throws, with the seed, where the model differs. */
export function fuzzSmtpSession(
  seed: number,
  way: SmtpWay,
  sow: Sowing = (parts) => parts,
): Promise<SessionTally> {
  const random = new Random(seed);
  const { lmtp, checksLogins, announceClient } = arrangementOf(way.arrangement);
  const balanced = announceClient === "proxy";
  const address = balanced ? random.of(CLIENTS).replace(/%.*$/, "") : random.of(CLIENTS);
  const port = 1 + random.below(65_535);
  const attributes = ATTRIBUTES.filter(() => random.below(12) > 0);
  const announcements = new Announcements(trueClient(way.arrangement, address, port), attributes);
  const target = new SmtpTarget({
    extensions: [
      ...EXTENSIONS.filter((keyword) => random.below(8) > 0 || keyword.startsWith("AUTH")),
      ...(announceClient === null ? [] : [`${announceClient.toUpperCase()} ${attributes.join(" ")}`]),
    ],
    lmtp,
    refuses: (recipient) => recipient.startsWith("no"),
    answer: (content, recipient) =>
      (content.length + (recipient.charCodeAt(0) || 0)) % 5 === 4 ? "554 5.7.1 No" : "250 2.0.0 Queued",
    announcementAnswer: random.oneIn(6) ? random.of(REFUSALS) : "220 2.0.0 So be it",
    hangsUp: random.oneIn(lmtp ? 3 : 8) ? { line: random.below(12), octets: random.of([0, 0, 3, 18, 24, 30]) } : null,
  }, announcements);
  const wire = new Wire(random, target, SmtpTarget.greeting, balanced ? LOAD_BALANCER : { address, port });
  if (balanced) wire.sendAhead(proxyHeaderFor(random, address, port));
  const drop = new InstantDrop();
  const counters = new Counters();
  const session = new ProxySession(sow({
    id: "1",
    connection: wire.client,
    listen: LISTEN,
    options: resolveSmtpOptions({
      name: "fuzz",
      kind: lmtp ? "lmtp" : "smtp",
      listen: [LISTEN],
      target: { host: "target.example", port: 25, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 1 },
      bareNewline: random.oneIn(4) ? "reject" : "normalize",
      clients: checksLogins ? clients : null,
      announceClient,
    }),
    dial: ({ preamble }) => {
      if (preamble !== undefined) target.receivePreamble(textOf(preamble));
      return Promise.resolve(wire.server);
    },
    drop,
    clock: stillClock,
    log: roomLogger("smtp"),
    counters,
    loginGate: new LoginGate(
      { ...stillClock, sleep: () => Promise.resolve() },
      (password, { hash }) => Promise.resolve(equalBytes(encodeUtf8(password), hash)),
    ),
  }));
  return play({
    name: `SMTP ${way.name}, seed ${seed}`,
    wire,
    drop,
    counters,
    oddities: target.oddities,
    run: async () => {
      if (balanced) await introduceClient(wire.client, 1000);
      await session.run();
    },
    talk: () => talkSmtp(wire, random, way),
    compare: () => {
      const kept = drop.kept.filter(surelyAccepted).map((mail) => sentMail(mail, checksLogins));
      const taken = drop.kept.filter(({ settlement }) => settlement.outcome === "accepted")
        .map((mail) => ({ ...sentMail(mail, checksLogins), user: null }));
      assertEquals(taken, target.mails.map((mail) => ({ ...mail, user: null })), "copies and received mails differ");
      const told = readConversation(wire.said, wire.heard, { lmtp, ownLogins: checksLogins });
      assertEquals(told.oddities, [], "logins ended as they shouldn't");
      assertEquals(wire.broken ? kept.slice(0, told.mails.length) : kept, told.mails, "copies and sent mails differ");
      for (const { start } of drop.kept) assertEquals([start.client.address, start.client.port], [address, port]);
    },
  });
}

function arrangementOf(arrangement: Arrangement) {
  return {
    lmtp: arrangement === "lmtp",
    checksLogins: arrangement === "logins" || arrangement === "logins-xclient",
    announceClient: announcementOf(arrangement),
  };
}

function announcementOf(arrangement: Arrangement): TrueClient["by"] {
  switch (arrangement) {
    case "xclient":
    case "logins-xclient":
      return "xclient";
    case "xforward":
      return "xforward";
    case "proxy-header":
      return "proxy";
    default:
      return null;
  }
}

function trueClient(arrangement: Arrangement, address: string, port: number): TrueClient {
  return {
    by: announcementOf(arrangement),
    loggedIn: arrangement === "logins-xclient",
    address: { ip: octetsOf(address) ?? "", port },
  };
}

/** Where the answer was lost, the copy says "unknown": the client knows of no mail, or, in LMTP, for some recipients. */
function surelyAccepted({ settlement: { outcome, reply = "" } }: KeptMail): boolean {
  return outcome === "accepted" || /^2/m.test(reply);
}

function sentMail({ start, settlement, content }: KeptMail, checksLogins: boolean): SentMail {
  const recipients = settlement.recipients ?? start.smtp?.recipients ?? [];
  const octets = (text: string) => textOf(encodeUtf8(text));
  return {
    from: octets(start.smtp?.mailFrom ?? ""),
    to: recipients.map((recipient) => octets(recipient.address)),
    content,
    user: checksLogins ? octets(start.client.authenticatedAs ?? "") : null,
  };
}
