/** One random SMTP session through a proxy, with a model beside it. */

import { encodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import { roomLogger } from "../../src/base/log.ts";
import { introduceClient } from "../../src/net/client_introduction.ts";
import type { verifyPassword } from "../../src/sasl/password_hash.ts";
import { Counters } from "../../src/smtp/counters.ts";
import { LoginGate } from "../../src/smtp/login_gate.ts";
import { resolveSmtpOptions } from "../../src/smtp/options.ts";
import { ProxySession, type ProxySessionParts } from "../../src/smtp/proxy_session.ts";
import { bytesOf, textOf } from "../unit/pop3/memory_connection.ts";
import { play } from "./fuzzed_session.ts";
import { FuzzedDrop } from "./fuzzed_drop.ts";
import { USERS } from "./login_reading.ts";
import { proxyHeaderFor } from "./proxy_header_input.ts";
import { Random } from "./random.ts";
import { arrange } from "./smtp_arrangement.ts";
import { assertKept, compareMails } from "./smtp_comparison.ts";
import { talkSmtp } from "./smtp_talk.ts";
import { SmtpTarget } from "./smtp_target.ts";
import type { SmtpWay } from "./smtp_ways.ts";
import { type SessionTally, stillClock, Wire } from "./wire.ts";

const LOAD_BALANCER = { address: "127.0.0.1", port: 1 };
const LISTEN = { address: "127.0.0.1", port: 25, tls: "starttls", certificate: { cert: "", key: "" } } as const;
const DEADLINE_MS = 1000;

/** Passwords are their own hashes here: a real one takes time, and a thread of its own. */
const clients = [...USERS].map(([user, password]) => ({
  username: new TextDecoder().decode(bytesOf(user)),
  passwordHash: `$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$${bytesOf(password).toBase64({ omitPadding: true })}`,
}));
const verify: typeof verifyPassword = (password, { hash }) => Promise.resolve(equalBytes(encodeUtf8(password), hash));

/** What a session is made of, with a bug sown in one of its parts. */
export type Sowing = (parts: ProxySessionParts) => ProxySessionParts;

/** Runs the session of this seed; throws, with the seed, where the model differs. */
export function fuzzSmtpSession(seed: number, way: SmtpWay, sow: Sowing = (parts) => parts): Promise<SessionTally> {
  const random = new Random(seed);
  const arranged = arrange(random, way.arrangement);
  const { kind, checksLogins, announceClient, balanced, client, target } = arranged;
  const drop = new FuzzedDrop(new Random(-seed));
  const wire = new Wire(random, target, drop, SmtpTarget.greeting, balanced ? LOAD_BALANCER : client);
  if (balanced) wire.sendAhead(proxyHeaderFor(random, client.address, client.port));
  const counters = new Counters();
  const session = new ProxySession(sow({
    id: "1",
    connection: wire.client,
    listen: LISTEN,
    options: resolveSmtpOptions({
      name: "fuzz",
      kind,
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
    loginGate: new LoginGate({ ...stillClock, sleep: () => Promise.resolve() }, verify),
  }));
  return play({
    name: `SMTP ${way.name}, seed ${seed}`,
    wire,
    drop,
    counters,
    oddities: target.oddities,
    run: async () => {
      if (balanced) await introduceClient(wire.client, DEADLINE_MS);
      await session.run();
    },
    talk: () => talkSmtp(wire, random, way),
    compareSoFar: () => assertKept(arranged, wire, drop),
    compare: () => compareMails(arranged, wire, drop),
  });
}
