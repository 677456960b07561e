/** Chaos on the network: the program among many clients and a target, every way between them in trouble. */

import { createHash } from "node:crypto";
import { openArchive } from "../../src/archive/archive.ts";
import { makeCertificate, type TestCertificate } from "../peers/certificate.ts";
import { freePorts, type RunningProgram } from "../peers/program.ts";
import { randomSource } from "../unit/net/random.ts";
import { type Entrance, planByChance, type Round, runLoad } from "./chaos_load.ts";
import { type FaultyRelay, openFaultyRelay } from "./faulty_relay.ts";
import { type ConfiguredProxy, type InstalledProgram, installProgram } from "./installed_program.ts";
import { readCopies, type Violation, violations } from "./ledgers.ts";
import { type Holdings, readHoldings } from "./rest.ts";
import { captureCount, readArchived } from "./traced_kill.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** How long rounds are begun, a short one first to warm up. After each the program has to let go of everything. */
  readonly ms: number;
  /** @default a minute */
  readonly roundMs?: number;
  /** How long letting go may take. @default what follows from the program's time limits */
  readonly restMs?: number;
  /** A bug of `sown_program.ts`. */
  readonly sown?: string;
  readonly progress?: (round: number, holdings: Holdings) => void;
}

export interface ChaosResult {
  readonly rounds: number;
  readonly sessions: number;
  /** Connections that met trouble. */
  readonly struck: number;
  /** Mails that were sent or fetched, and those of them that the client was told are accepted. */
  readonly mails: number;
  readonly accepted: number;
  /** Captures that were compared. */
  readonly captures: number;
  readonly violations: readonly Violation[];
}

/** Sum of the program's time limits that can follow each other in a session, and some more for a busy machine. */
const REST_MS = 40_000;
/** By so much a program that does the same again and again may still grow: its heap is collected when it likes. */
const MEMORY_ALLOWANCE_MIB = 64;
const WARM_UP_MS = 3000;
/** As many empty files as a writer keeps ready, and the one in hand. */
const MAX_SPARE_FILES = 33;
const MODES = ["none", "starttls", "implicit"] as const;

const TIME_LIMITS = {
  smtp: { client: 2, target: 2, data: 1, dataStart: 1, dataEnd: 2, refusedData: 1 },
  pop3: { client: 2, target: 2, data: 1 },
};

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-chaos-" });
  const random = randomSource(options.seed);
  try {
    await using stage = await setStage(folder, random);
    const running = await stage.program.run(options.sown === undefined ? {} : { sown: options.sown });
    try {
      return await rounds({ ...stage, running, random }, options);
    } finally {
      await running.stop();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Stage extends AsyncDisposable {
  readonly program: InstalledProgram;
  readonly upstream: Upstream;
  readonly relays: readonly FaultyRelay[];
  readonly entrances: readonly Entrance[];
}

/** Three proxies of each kind, one for each kind of TLS with the target, each with three kinds of TLS for clients. */
async function setStage(folder: string, random: () => number): Promise<Stage> {
  const certificate = await makeCertificate(folder);
  const upstream = startUpstream(certificate);
  const relays: FaultyRelay[] = [];
  const relayTo = async (port: number) => {
    const relay = await openFaultyRelay({
      to: () => port,
      plan: () => planByChance(random),
      dripPauseMs: 5,
      dripBytes: 100,
    });
    relays.push(relay);
    return relay.port;
  };
  const entrances: Entrance[] = [];
  const proxies: ConfiguredProxy[] = [];
  const targets = {
    smtp: { none: upstream.smtpPort, starttls: upstream.smtpPort, implicit: upstream.smtpsPort },
    pop3: { none: upstream.pop3Port, starttls: upstream.pop3Port, implicit: upstream.pop3sPort },
  };
  for (const kind of ["smtp", "pop3"] as const) {
    for (const mode of MODES) {
      const ports = freePorts(MODES.length);
      const listen = MODES.map((tls, index) => ({ address: "127.0.0.1", port: ports[index] ?? 0, tls }));
      for (const { tls, port } of listen) entrances.push({ kind, tls, port: await relayTo(port) });
      proxies.push({ kind, listen, ...settings(await relayTo(targets[kind][mode]), mode, certificate) });
    }
  }
  const program = await installProgram({ folder, upstream, proxies, timeouts: TIME_LIMITS });
  return {
    program,
    upstream,
    relays,
    entrances,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(relays.map((relay) => relay.close()));
      await upstream.close();
    },
  };
}

function settings(port: number, tls: typeof MODES[number], { certFile }: TestCertificate) {
  return {
    target: { host: "127.0.0.1", port, tls, trust: { caFile: certFile }, connectTimeoutSeconds: 2 },
  };
}

/** What a program at rest may hold. */
type Before = Pick<Holdings, "files" | "mebibytes">;

interface Play extends Omit<Stage, typeof Symbol.asyncDispose> {
  readonly running: RunningProgram;
  readonly random: () => number;
}

async function rounds(play: Play, options: ChaosOptions): Promise<ChaosResult> {
  const found: Violation[] = [];
  const archived = new Set<string>();
  const { roundMs = 60_000, restMs = REST_MS } = options;
  const end = performance.now() + options.ms;
  const total = { rounds: 0, sessions: 0, mails: 0, accepted: 0, captures: 0 };
  // Files that are opened once and stay, and memory, are known after the warm-up.
  let before: Before = { files: Infinity, mebibytes: Infinity };
  for (let number = 0; number <= 1 || performance.now() < end; number++) {
    const round = await runLoad({
      entrances: play.entrances,
      mailbox: play.upstream.mailbox,
      random: play.random,
      name: `r${number}`,
      ms: number === 0 ? WARM_UP_MS : roundMs,
    });
    const { holdings, problems } = await rest(play, before, restMs);
    found.push(...problems.map((problem) => `round ${number}: ${problem}`));
    options.progress?.(number, holdings);
    const compared = await compareRound(play, round, archived);
    found.push(...compared.problems);
    total.rounds = number;
    total.sessions += round.sessions;
    total.mails += round.told.length;
    total.accepted += round.told.filter(({ told }) => told === "accepted").length;
    total.captures += compared.captures;
    if (problems.length > 0) break;
    if (number === 0) before = { ...before, files: await lastingFiles(play) };
    if (number === 1) before = { ...before, mebibytes: holdings.mebibytes };
  }
  await play.running.stop();
  const { copies, disorder } = await readCopies(play.program.drop);
  found.push(...disorder, ...copies.map(({ id }) => `${id} stays in the drop folder`));
  const struck = play.relays.reduce((sum, relay) => sum + relay.struck(), 0);
  return { ...total, struck, violations: found };
}

function holdingsOf({ running: { pid }, program: { folder, drop } }: Play, since: number): Holdings {
  return readHoldings({ pid, folder, drop, since });
}

/** Files that are open all the time, and not only while a profile runs. */
async function lastingFiles(play: Play): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < 20; look++) {
    least = Math.min(least, holdingsOf(play, 0).files);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return least;
}

/**
 * Waits until the program holds no more than it did before. The relays still hold what fell silent: it has to let go by
 * its own time limits.
 */
async function rest(play: Play, before: Before, ms: number): Promise<{ holdings: Holdings; problems: Violation[] }> {
  const since = Date.now();
  const deadline = performance.now() + ms;
  for (;;) {
    const holdings = holdingsOf(play, since);
    const problems = excess(holdings, before);
    if (captureCount(play.program.drop) > 0) problems.push("captures stay in the drop folder");
    if (problems.length === 0 || performance.now() > deadline || play.running.ended()) return { holdings, problems };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function excess(now: Holdings, before: Before): Violation[] {
  const found: Violation[] = [];
  if (now.connections.length > 0) {
    found.push(`${now.connections.length} connections stay open: ${now.connections.join("; ")}`);
  }
  if (now.files > before.files) found.push(`${now.files} files stay open, there were ${before.files}`);
  if (now.spareFiles > MAX_SPARE_FILES) found.push(`${now.spareFiles} empty files are kept ready`);
  if (now.incoming > 0) found.push(`${now.incoming} captures stay in the making`);
  if (now.counted !== 0) found.push(`the program counts ${now.counted ?? "not any more what is"} open`);
  if (now.mebibytes > before.mebibytes + MEMORY_ALLOWANCE_MIB) {
    found.push(`${now.mebibytes} MiB of memory stay in use, there were ${before.mebibytes}`);
  }
  return found;
}

/** Lets go of what fell silent, and compares a round's ledgers. `archived` are the mails of rounds before. */
async function compareRound(
  { program, upstream, relays }: Play,
  round: Round,
  archived: Set<string>,
): Promise<{ captures: number; problems: Violation[] }> {
  for (const relay of relays) relay.release();
  await upstream.idle();
  const held = upstream.held.splice(0);
  upstream.mailbox.splice(0);
  const archive = await openArchive(program.archive, { readOnly: true });
  try {
    const { copies, disorder } = await readArchived(archive, archived);
    for (const { content } of copies) archived.add(createHash("sha256").update(content).digest("hex"));
    const problems = [...await archive.catalog.check()];
    problems.push(...violations({ told: round.told, held, copies, disorder }, "connections"));
    return { captures: copies.length, problems };
  } finally {
    archive.close();
  }
}
