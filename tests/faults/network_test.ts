/** Faults of the network between the program, as a process, and its target or its clients. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { decodeLatin1, encodeUtf8 } from "../../src/base/bytes.ts";
import { until } from "../peers/program.ts";
import type { Plan, Side, Trouble } from "./faulty_relay.ts";
import type { LoadMail } from "./mails.ts";
import { type Heard, type NetworkStage, withNetwork } from "./network_stage.ts";

/** Trouble that begins right before what a pattern finds. */
function before(from: Side, pattern: RegExp, trouble: Trouble): () => Plan {
  return () => ({
    trouble,
    begins: (side, piece) => {
      const at = side === from ? decodeLatin1(piece).search(pattern) : -1;
      return at < 0 ? null : at;
    },
  });
}

function longMail(token: string, bytes: number): LoadMail {
  const line = `${"long ".repeat(14)}\r\n`;
  const content = encodeUtf8(`Subject: ${token}\r\n\r\n${line.repeat(Math.ceil(bytes / line.length))}`);
  return { token, content, normalized: content };
}

/** What the last reply says, by what happened to the target. */
const LOSSES = { reset: /was lost/, end: /was lost/, silence: /did(?:n't| not) answer|doesn't answer/ } as const;

type Loss = keyof typeof LOSSES;

interface SmtpPhase {
  readonly from: Side;
  readonly pattern: RegExp;
  /** What the client heard before its last reply. */
  readonly heard: number;
  readonly last: RegExp;
  readonly outcomes: readonly string[];
  /** The upstream has the mail. */
  readonly held: boolean;
}

const NOTHING = { last: /^421 4\.4\.2 /, outcomes: [], held: false };
/** The end of the mail went out, and no answer came. */
const IN_DOUBT = { last: /^451 4\.4\.2 /, outcomes: ["unknown"] };

const SMTP_PHASES: Readonly<Record<string, SmtpPhase>> = {
  greeting: { from: "called", pattern: /^220/, heard: 0, ...NOTHING },
  EHLO: { from: "caller", pattern: /^EHLO/, heard: 1, ...NOTHING },
  MAIL: { from: "caller", pattern: /^MAIL/, heard: 2, ...NOTHING },
  RCPT: { from: "caller", pattern: /^RCPT/, heard: 3, ...NOTHING },
  DATA: { from: "caller", pattern: /^DATA/, heard: 4, ...NOTHING },
  "the mail": { from: "caller", pattern: /Subject/, heard: 5, ...IN_DOUBT, held: false },
  "the end of the mail": { from: "caller", pattern: /\r\n\.\r\n/, heard: 5, ...IN_DOUBT, held: false },
  "the answer to the mail": { from: "called", pattern: /^250 2\.0\.0 Ok: queued/, heard: 5, ...IN_DOUBT, held: true },
};

async function meetInSmtp(stage: NetworkStage, name: string, phase: SmtpPhase, loss: Loss): Promise<void> {
  const where = `${loss} before ${name}`;
  const mail = stage.mail();
  stage.plan(before(phase.from, phase.pattern, loss));
  const heard = await stage.send([mail]);
  assertEquals(heard.length, phase.heard + 1, `${where}: ${heard}`);
  assertMatch(heard.at(-1) ?? "", phase.last, where);
  assertMatch(heard.at(-1) ?? "", LOSSES[loss], where);
  assertEquals(await stage.outcomes(mail), phase.outcomes, where);
  assertEquals(stage.upstream.held.some(({ token }) => token === mail.token), phase.held, where);
}

for (const [loss, what] of [["reset", "is reset"], ["end", "ends"]] as const) {
  Deno.test(`SMTP: the target's connection ${what} in each phase: 4xx, and a copy where it may have the mail`, async () => {
    await withNetwork(async (stage) => {
      for (const [name, phase] of Object.entries(SMTP_PHASES)) await meetInSmtp(stage, name, phase, loss);
      await passesAgain(stage);
    });
  });
}

Deno.test("SMTP: the target falls silent: 4xx when its time is over, and a copy where it may have the mail", async () => {
  await withNetwork(async (stage) => {
    for (const name of ["greeting", "RCPT", "DATA", "the mail", "the answer to the mail"]) {
      const phase = SMTP_PHASES[name];
      assert(phase !== undefined);
      await meetInSmtp(stage, name, phase, "silence");
    }
    await passesAgain(stage);
  });
});

Deno.test("SMTP: a reset between two mails: the first one is accepted, the second hears 421", async () => {
  await withNetwork(async (stage) => {
    const [first, second] = [stage.mail(), stage.mail()];
    let mails = 0;
    stage.plan(() => ({
      trouble: "reset",
      begins: (_, piece) => decodeLatin1(piece).startsWith("MAIL") && ++mails === 2 ? 0 : null,
    }));
    const heard = await stage.send([first, second]);
    assertMatch(heard.at(-1) ?? "", /^421 4\.4\.2 /);
    assertEquals(await stage.outcomes(first), ["accepted"]);
    assertEquals(await stage.outcomes(second), []);
    await passesAgain(stage);
  });
});

async function passesAgain(stage: NetworkStage): Promise<void> {
  stage.plan(null);
  const [sent, fetched] = [stage.mail(), stage.mail()];
  assertMatch((await stage.send([sent])).at(-1) ?? "", /^221 /);
  assertMatch((await stage.fetch(fetched)).at(-1) ?? "", /^\+OK/);
  assertEquals(await stage.outcomes(sent), ["accepted"]);
  assertEquals(await stage.outcomes(fetched), ["retrieved"]);
}

interface Pop3Phase {
  readonly from: Side;
  readonly pattern: RegExp;
  readonly heard: number;
  /** Null for the end of the connection: in the middle of a mail there is no other way to say that it isn't whole. */
  readonly last: RegExp | null;
  readonly outcomes: readonly string[];
}

const TEMPORARY = /^-ERR \[SYS\/TEMP\] /;

const POP3_PHASES: Readonly<Record<string, Pop3Phase>> = {
  USER: { from: "caller", pattern: /^USER/, heard: 1, last: TEMPORARY, outcomes: [] },
  PASS: { from: "caller", pattern: /^PASS/, heard: 2, last: TEMPORARY, outcomes: [] },
  RETR: { from: "caller", pattern: /^RETR/, heard: 3, last: TEMPORARY, outcomes: [] },
  "the mail": { from: "called", pattern: /Subject/, heard: 4, last: null, outcomes: [] },
  "the end of the mail": { from: "called", pattern: / \r\n\.\r\n/, heard: 4, last: null, outcomes: [] },
  DELE: { from: "caller", pattern: /^DELE/, heard: 5, last: TEMPORARY, outcomes: ["retrieved"] },
  QUIT: { from: "caller", pattern: /^QUIT/, heard: 6, last: TEMPORARY, outcomes: ["retrieved"] },
};

async function meetInPop3(stage: NetworkStage, name: string, phase: Pop3Phase, loss: Loss): Promise<void> {
  const where = `${loss} before ${name}`;
  const mail = stage.mail({ large: true });
  stage.plan(before(phase.from, phase.pattern, loss));
  const heard: Heard = await stage.fetch(mail);
  assertEquals(heard.length, phase.heard + 1, `${where}: ${heard}`);
  if (phase.last === null) assertEquals(heard.at(-1), null, where);
  else {
    assertMatch(heard.at(-1) ?? "", phase.last, where);
    assertMatch(heard.at(-1) ?? "", LOSSES[loss], where);
  }
  assertEquals(await stage.outcomes(mail), phase.outcomes, where);
}

for (const [loss, what] of [["reset", "is reset"], ["end", "ends"]] as const) {
  Deno.test(`POP3: the target's connection ${what} in each phase: -ERR, or an end in the middle of a mail`, async () => {
    await withNetwork(async (stage) => {
      stage.plan(before("called", /^\+OK upstream/, loss));
      assertEquals(await stage.fetch(stage.mail()), [
        "-ERR [SYS/TEMP] The mail server can't be reached; try again later",
      ]);
      for (const [name, phase] of Object.entries(POP3_PHASES)) await meetInPop3(stage, name, phase, loss);
      await passesAgain(stage);
    });
  });
}

Deno.test("POP3: the target falls silent: -ERR when its time is over, or an end in the middle of a mail", async () => {
  await withNetwork(async (stage) => {
    for (const name of ["PASS", "RETR", "the mail", "the end of the mail", "DELE"]) {
      const phase = POP3_PHASES[name];
      assert(phase !== undefined);
      await meetInPop3(stage, name, phase, "silence");
    }
    await passesAgain(stage);
  });
});

const LIMIT_SECONDS = 2;
/** At five milliseconds each, more than fit in the limit. */
const DRIPPED_BYTES = 420;

Deno.test("mails that come a few octets at a time, for longer than a time limit, pass", async () => {
  await withNetwork(async (stage) => {
    const drip = (from: Side) => () => ({ trouble: "drip" as const, begins: (side: Side) => side === from ? 0 : null });
    const takesLonger = async (session: Promise<Heard>) => {
      const started = performance.now();
      assertMatch((await session).at(-1) ?? "", /^(?:221|\+OK)/);
      assert(performance.now() - started > LIMIT_SECONDS * 1000, "it wasn't slow enough for a test of the limit");
    };
    const [sent, fetched] = [longMail("slow-sent", DRIPPED_BYTES), longMail("slow-fetched", DRIPPED_BYTES)];
    stage.plan(drip("caller"), "from clients");
    await takesLonger(stage.send([sent]));
    stage.plan(null, "from clients");
    stage.plan(drip("called"));
    await takesLonger(stage.fetch(fetched));
    assertEquals(await stage.outcomes(sent), ["accepted"]);
    assertEquals(await stage.outcomes(fetched), ["retrieved"]);
  }, { dataSeconds: LIMIT_SECONDS });
});

Deno.test("a client that is gone in the middle of its mail: no copy, and nothing at the target", async () => {
  await withNetwork(async (stage) => {
    for (const [index, trouble] of (["reset", "end", "half-end", "silence"] as const).entries()) {
      const mail = stage.mail({ large: true });
      stage.plan(before("caller", /2000 gr/, trouble), "from clients");
      const sending = stage.send([mail]);
      await stage.struck(index + 1);
      await stage.rest();
      stage.release();
      await sending;
      assertEquals(await stage.outcomes(mail), [], trouble);
    }
    assertEquals(stage.upstream.held, []);
    stage.plan(null, "from clients");
    await passesAgain(stage);
  });
});

Deno.test("a target that is down, and comes back: 421 and -ERR, then mails pass", async () => {
  await withNetwork(async (stage) => {
    stage.down(true);
    assertMatch((await stage.send([stage.mail()])).join(), /^421 4\.4\.\d /);
    assertMatch((await stage.fetch(stage.mail())).join(), TEMPORARY);
    stage.down(false);
    await passesAgain(stage);
  });
});

const MEBIBYTE = 1024 * 1024;
/** More than the system's buffers hold on the way. */
const HUGE_BYTES = 32 * MEBIBYTE;
/** Less than the mails that are under way at once, and more than the program needs for them. */
const MEMORY_LIMIT_MIB = 80;

/** The most memory that the program has had. */
function peakMebibytes({ running: { pid } }: NetworkStage): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
  return Number(kibibytes) / 1024;
}

Deno.test("a target that stops reading in the middle of mails: 451 when its time is over, and memory stays bounded", async () => {
  await withNetwork(async (stage) => {
    await passesAgain(stage);
    const peak = peakMebibytes(stage);
    stage.plan(before("caller", /^Subject/, "silence"));
    const mails = Array.from({ length: 4 }, (_, number) => longMail(`huge-${number}`, HUGE_BYTES));
    const ends = await Promise.all(mails.map(async (mail) => (await stage.send([mail])).at(-1) ?? ""));
    for (const end of ends) assertMatch(end, /^451 4\.4\.2 /);
    for (const mail of mails) assertEquals(await stage.outcomes(mail), []);
    assertLess(peakMebibytes(stage) - peak, MEMORY_LIMIT_MIB);
    stage.release();
    await passesAgain(stage);
  });
});

Deno.test("clients that never read a mail they asked for: the sessions end, and memory stays bounded", async () => {
  await withNetwork(async (stage) => {
    await passesAgain(stage);
    const peak = peakMebibytes(stage);
    stage.upstream.mailbox.splice(0, Infinity, longMail("huge", HUGE_BYTES));
    const clients = await Promise.all(Array.from({ length: 4 }, async () => {
      const client = await Deno.connect({ hostname: "127.0.0.1", port: stage.program.pop3Port });
      await client.write(encodeUtf8("USER carla\r\nPASS secret\r\nRETR 1\r\n"));
      return client;
    }));
    const ended = () => stage.running.output().match(/Session ended.*client-timeout/g)?.length === clients.length;
    await until(ended, () => stage.running.output());
    assertLess(peakMebibytes(stage) - peak, MEMORY_LIMIT_MIB);
    for (const client of clients) client.close();
    await stage.rest();
    stage.upstream.mailbox.splice(0);
    await passesAgain(stage);
  }, { targetSeconds: 20 });
});
