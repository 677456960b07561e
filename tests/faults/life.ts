/** A life of the program within the test's own process: proxies whose disk and sockets are steps of a fate. */

import { systemClock } from "../../src/base/clock.ts";
import { denoFileOps, type FileOps } from "../../src/base/files.ts";
import { roomLogger } from "../../src/base/log.ts";
import type { DropWriter } from "../../src/drop/types.ts";
import { openDropWriter } from "../../src/drop/writer.ts";
import { startPop3Proxy } from "../../src/pop3/proxy.ts";
import { startSmtpProxy } from "../../src/smtp/proxy.ts";
import { fetchMails, sendMails, type ToldMail } from "./clients.ts";
import { DyingFileOps } from "./dying_file_ops.ts";
import { Death, Fate } from "./fate.ts";
import { type LoadMail, makeMail } from "./mails.ts";
import type { Upstream } from "./upstream.ts";
import { openWireGate } from "./wire_gate.ts";

/** What is done to the program to see whether the comparison notices. */
export interface Sowing {
  /** Takes the place of the file operations. */
  readonly files?: (real: FileOps) => FileOps;
  /** Takes the place of the drop folder's writer. */
  readonly writer?: (real: DropWriter) => DropWriter;
  /** Changes what clients send before the program gets it. */
  readonly fromClient?: (piece: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
}

export interface LifeOptions {
  readonly drop: string;
  readonly upstream: Upstream;
  readonly seed: number;
  readonly fate: Fate;
  /** All clients at once; otherwise one after the other, and every life with the same seed takes the same steps. */
  readonly atOnce: boolean;
  readonly sowing?: Sowing;
}

/** The mails of a life's load. */
interface Load {
  readonly plain: readonly LoadMail[];
  readonly pipelined: readonly LoadMail[];
  readonly lmtp: readonly LoadMail[];
  readonly mailbox: readonly LoadMail[];
}

function makeLoad(seed: number, random: () => number): Load {
  let count = 0;
  const mail = (word: string, traits = {}) => makeMail(`s${seed}-${++count}-${word}`, random, traits);
  return {
    plain: [
      mail("small"),
      mail("large", { large: true }),
      mail("refused"),
      mail("bare", { bareDot: true }),
      mail("lost"),
    ],
    pipelined: [mail("small", { sharedMessageId: true }), mail("refused"), mail("other", { sharedMessageId: true })],
    lmtp: [mail("mixed"), mail("small")],
    mailbox: [mail("fetched"), mail("fetched", { large: true }), mail("fetched"), mail("fetched")],
  };
}

/** Lives until the load is done or the fate strikes; gives what the clients were told. Everything is closed then. */
export async function live(options: LifeOptions): Promise<ToldMail[]> {
  const { fate, upstream, seed } = options;
  const told: ToldMail[] = [];
  const load = makeLoad(seed, fate.random);
  upstream.mailbox.splice(0, Infinity, ...load.mailbox);
  try {
    const program = await startProgram(options);
    try {
      const uids = new Map(load.mailbox.map((mail) => [mail.token, mail]));
      const sessions = [
        () => sendMails({ port: program.smtp, mails: load.plain }, told),
        () => sendMails({ port: program.smtp, mails: load.pipelined, pipelined: true }, told),
        () => sendMails({ port: program.lmtp, mails: load.lmtp, lmtp: true }, told),
        () => fetchMails(program.pop3, uids, told, "carla", { pipelined: options.atOnce }),
      ];
      if (options.atOnce) await Promise.all(sessions.map((session) => session()));
      else for (const session of sessions) await session();
    } finally {
      fate.die();
      await program.stop();
    }
  } catch (error) {
    if (!fate.dead) throw error;
  }
  await upstream.idle();
  return told;
}

interface Program {
  readonly smtp: number;
  readonly lmtp: number;
  readonly pop3: number;
  stop(): Promise<void>;
}

async function startProgram({ drop, upstream, fate, sowing = {} }: LifeOptions): Promise<Program> {
  const ops = new DyingFileOps(fate, sowing.files?.(denoFileOps) ?? denoFileOps);
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const opened = await openDropWriter(drop, { ops });
    closers.push(() => opened.close());
    const writer = sowing.writer?.(opened) ?? opened;
    const log = roomLogger("faults");
    const gate = (name: string, to: () => number, rewrite = (piece: Uint8Array<ArrayBuffer>) => piece) => {
      const opened = openWireGate({ name, to, fate, rewrite });
      closers.push(() => opened.close());
      return opened.port;
    };
    const before = async (kind: "smtp" | "lmtp" | "pop3", port: number) => {
      const shared = {
        name: kind,
        listen: [{ address: "127.0.0.1", port: 0, tls: "none" as const }],
        target: {
          host: "127.0.0.1",
          port: gate(`${kind} target`, () => port),
          tls: "none" as const,
          trust: { kind: "system" as const },
          connectTimeoutMs: 10_000,
        },
      };
      const dependencies = { drop: writer, clock: systemClock, log };
      const proxy = kind === "pop3"
        ? await startPop3Proxy(shared, dependencies)
        : await startSmtpProxy({ ...shared, kind }, dependencies);
      closers.push(() => proxy.stop());
      return gate(`${kind} client`, () => proxy.addresses[0]?.port ?? 0, sowing.fromClient);
    };
    return {
      smtp: await before("smtp", upstream.smtpPort),
      lmtp: await before("lmtp", upstream.lmtpPort),
      pop3: await before("pop3", upstream.pop3Port),
      stop,
    };
  } catch (error) {
    if (!fate.dead && error instanceof Death) throw new Error("a death without a fate");
    await stop();
    throw error;
  }
}

/** How many steps a whole life with this seed takes. */
export async function countSteps(options: Omit<LifeOptions, "fate">): Promise<number> {
  const fate = new Fate(options.seed);
  await live({ ...options, fate });
  return fate.steps;
}
