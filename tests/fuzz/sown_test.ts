/** Each model has to notice a bug that is sown into what it stands beside. */

import { assert, assertRejects } from "@std/assert";
import type { Capture, DropWriter } from "../../src/drop/types.ts";
import { type ProxyHeaderScan, takeProxyHeader } from "../../src/net/proxy_header.ts";
import { LoginGate } from "../../src/smtp/login_gate.ts";
import { fuzzProxyHeader } from "./proxy_header_session.ts";
import { fuzzSmtpSession, type Sowing } from "./smtp_session.ts";
import { type Arrangement, SMTP_WAYS } from "./smtp_ways.ts";
import { stillClock } from "./wire.ts";

/** A bug may need some luck to show. */
const MOST_SESSIONS = 400;

const SOWN: readonly { readonly bug: string; readonly in: Arrangement; readonly sow: Sowing }[] = [
  {
    bug: "the client hears of success before its copy is kept",
    in: "plain",
    sow: (parts) => ({ ...parts, drop: hasty(parts.drop) }),
  },
  {
    bug: "the copy of an LMTP mail names those whom its end was refused for",
    in: "lmtp",
    sow: (parts) => ({ ...parts, drop: forgetful(parts.drop) }),
  },
  {
    bug: "any password of a user is right",
    in: "logins",
    sow: (parts) => ({ ...parts, loginGate: new LoginGate(stillClock, () => Promise.resolve(true)) }),
  },
  {
    bug: "mail passes without a login",
    in: "logins",
    sow: (parts) => ({ ...parts, options: { ...parts.options, clients: null } }),
  },
  ...(["xclient", "xforward", "proxy-header"] as const).map((arrangement) => ({
    bug: "the target isn't told who the client is",
    in: arrangement,
    sow: (parts) => ({ ...parts, options: { ...parts.options, announceClient: null } }),
  } satisfies { bug: string; in: Arrangement; sow: Sowing })),
];

for (const { bug, in: arrangement, sow } of SOWN) {
  Deno.test(`fuzzSmtpSession() of ${arrangement} notices where ${bug}`, () =>
    assertNoticed((seed) => {
      const ways = SMTP_WAYS.filter((way) => way.arrangement === arrangement);
      const way = ways[seed % ways.length];
      assert(way !== undefined);
      return fuzzSmtpSession(seed, way, sow);
    }));
}

Deno.test("fuzzProxyHeader() notices where a line may end in LF alone", () =>
  assertNoticed((seed) => fuzzProxyHeader(seed, takeLenientHeader)));

async function assertNoticed(fuzz: (seed: number) => Promise<unknown>): Promise<void> {
  await assertRejects(async () => {
    for (let seed = 1; seed <= MOST_SESSIONS; seed++) await fuzz(seed);
  });
}

/** Doesn't wait until a capture is visible. */
function hasty(drop: DropWriter): DropWriter {
  return withCommit(drop, (commit) => (settlement) => {
    void commit(settlement);
    return Promise.resolve("");
  });
}

/** Keeps who was accepted by RCPT, whatever came of them. */
function forgetful(drop: DropWriter): DropWriter {
  return withCommit(drop, (commit) => ({ outcome, reply = "" }) => commit({ outcome, reply }));
}

function withCommit(drop: DropWriter, change: (commit: Capture["commit"]) => Capture["commit"]): DropWriter {
  return {
    path: drop.path,
    close: () => drop.close(),
    begin: (start): Capture => {
      const capture = drop.begin(start);
      capture.commit = change(capture.commit);
      return capture;
    },
  };
}

function takeLenientHeader(buffer: Uint8Array): ProxyHeaderScan {
  const lineFeed = buffer.indexOf(10);
  if (buffer[0] !== 0x50 || lineFeed < 1 || buffer[lineFeed - 1] === 13) return takeProxyHeader(buffer);
  const scan = takeProxyHeader(Uint8Array.of(...buffer.subarray(0, lineFeed), 13, 10));
  return scan.kind === "header" ? { ...scan, consumed: scan.consumed - 1 } : scan;
}
