/** One random POP3 session through a proxy: what the target gave = what the client got whole = what is kept. */

import { assert, assertEquals } from "@std/assert";
import { roomLogger } from "../../src/base/log.ts";
import { Counters } from "../../src/pop3/counters.ts";
import { resolvePop3Options } from "../../src/pop3/options.ts";
import { ProxySession } from "../../src/pop3/proxy_session.ts";
import { play } from "./fuzzed_session.ts";
import { FuzzedDrop } from "./fuzzed_drop.ts";
import { pop3Commands } from "./pop3_input.ts";
import { mailsRetrieved } from "./pop3_reading.ts";
import { asBlock, Pop3Target } from "./pop3_target.ts";
import { Random } from "./random.ts";
import { mailText } from "./smtp_input.ts";
import { type SessionTally, stillClock, Wire } from "./wire.ts";

const LOGIN = ["USER anna", "PASS right"];

/** How far a session gets in good order before it turns. Each line waits for its reply. */
export interface Pop3Way {
  readonly name: string;
  readonly lines: readonly string[];
}

export const POP3_WAYS: readonly Pop3Way[] = [
  { name: "greeted", lines: [] },
  { name: "after USER", lines: ["USER anna"] },
  { name: "in AUTH", lines: ["AUTH PLAIN"] },
  { name: "under TLS", lines: ["STLS"] },
  { name: "logged in", lines: LOGIN },
  { name: "after UIDL", lines: [...LOGIN, "UIDL"] },
  { name: "after RETR", lines: [...LOGIN, "UIDL", "RETR 1"] },
];

const LISTEN = { address: "127.0.0.1", port: 110, tls: "starttls", certificate: { cert: "", key: "" } } as const;

/** Runs the session of this seed; throws, with the seed, where the model differs. */
export function fuzzPop3Session(seed: number, way: Pop3Way): Promise<SessionTally> {
  const random = new Random(seed);
  const mails = Array.from({ length: 1 + random.below(3) }, () => mailText(random));
  const hangsUp = random.oneIn(6) ? { line: random.below(10), octets: random.below(60) } : null;
  const target = new Pop3Target({ mails, hangsUp });
  const drop = new FuzzedDrop(new Random(-seed));
  const wire = new Wire(random, target, drop, Pop3Target.greeting);
  const counters = new Counters();
  const session = new ProxySession({
    id: "1",
    connection: wire.client,
    listen: LISTEN,
    settings: resolvePop3Options({
      name: "fuzz",
      listen: [LISTEN],
      target: { host: "target.example", port: 110, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 1 },
    }),
    dial: () => Promise.resolve(wire.server),
    drop,
    seen: null,
    clock: stillClock,
    log: roomLogger("pop3"),
    counters,
  });
  return play({
    name: `POP3 ${way.name}, seed ${seed}`,
    wire,
    drop,
    counters,
    oddities: target.oddities,
    run: () => session.run(),
    talk: () => talk(wire, random, way),
    compareSoFar: () => {
      const got = mailsRetrieved(wire.said, wire.heard).length;
      assert(got <= drop.kept.length, `the client has ${got} mails, and ${drop.kept.length} are kept`);
    },
    compare: () => {
      const kept = drop.kept.map(({ start, content }) => ({ number: start.pop3?.messageNumber ?? 0, content }));
      const got = mailsRetrieved(wire.said, wire.heard);
      assertEquals(wire.broken ? kept.slice(0, got.length) : kept, got, "copies and what the client got differ");
      for (const { number, content } of kept) {
        assertEquals(asBlock(content), asBlock(mails[number - 1] ?? ""), "a copy differs from the target's mail");
      }
    },
  });
}

async function talk(wire: Wire, random: Random, way: Pop3Way): Promise<void> {
  await wire.settle();
  for (const line of way.lines) {
    wire.say(`${line}\r\n`);
    await wire.settle();
  }
  for (let turns = 1 + random.below(5); turns > 0; turns--) {
    wire.say(pop3Commands(random));
    if (!random.oneIn(3)) await wire.settle();
  }
  if (random.oneIn(2)) return;
  for (const line of [...LOGIN, "RETR 1"]) {
    await wire.settle();
    wire.say(`${line}\r\n`);
  }
}
