/** The program as a process before an upstream, with a relay in between that makes trouble when a test says so. */

import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { MailteeError } from "../../src/base/errors.ts";
import { stuff, Wire } from "../../src/demo/wire.ts";
import { openDropWriter } from "../../src/drop/writer.ts";
import { type RunningProgram, until } from "../peers/program.ts";
import type { ToldMail } from "./clients.ts";
import { type FaultyRelay, openFaultyRelay, type Plan } from "./faulty_relay.ts";
import { type InstalledProgram, installProgram } from "./installed_program.ts";
import { type CopiedMail, readCopies, violations } from "./ledgers.ts";
import { type LoadMail, makeMail } from "./mails.ts";
import { PeerConnection } from "./peer_connection.ts";
import { countConnections } from "./rest.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** What a client heard in one session, reply by reply; at last `null` where the connection ended before a reply. */
export type Heard = readonly (string | null)[];

export interface NetworkStage {
  readonly program: InstalledProgram;
  readonly running: RunningProgram;
  readonly upstream: Upstream;
  readonly told: ToldMail[];
  /** What connections meet from now on, on one way or the other; null for nothing. */
  plan(plan: (() => Plan) | null, way?: "to the target" | "from clients"): void;
  /** The target goes down, or comes back. */
  down(isDown: boolean): void;
  /** Waits until so many connections, since the beginning, have met trouble. */
  struck(count: number): Promise<void>;
  /** Resets what the relays hold, such as connections that fell silent. */
  release(): void;
  mail(traits?: { readonly large?: boolean }): LoadMail;
  /** Sends mails in one session, reply by reply. */
  send(mails: readonly LoadMail[]): Promise<Heard>;
  /** Fetches one mail in one session. */
  fetch(mail: LoadMail): Promise<Heard>;
  /** What became of a mail's copies. */
  outcomes(mail: LoadMail): Promise<readonly CopiedMail["outcome"][]>;
  /** Waits until no session has a connection any more. */
  rest(): Promise<void>;
}

function timeLimits(target: number, data: number) {
  return {
    smtp: { client: 30, target, data, dataStart: target, dataEnd: target, refusedData: 20 },
    pop3: { client: 30, target, data },
  };
}

/**
 * Runs tests beside one program, waits until it has let go of all connections, and compares the ledgers.
 *
 * @param targetSeconds how long the target may take to greet and to answer
 * @param dataSeconds how long the next piece of a mail may take
 */
export async function withNetwork(
  test: (stage: NetworkStage) => Promise<void>,
  { targetSeconds = 1, dataSeconds = 1 }: { readonly targetSeconds?: number; readonly dataSeconds?: number } = {},
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-network-" });
  const upstream = startUpstream();
  const plans: Record<"to the target" | "from clients", (() => Plan) | null> = {
    "to the target": null,
    "from clients": null,
  };
  let isDown = false;
  const relays: FaultyRelay[] = [];
  const relayTo = async (port: number, way: keyof typeof plans) => {
    const relay = await openFaultyRelay({
      to: () => isDown && way === "to the target" ? null : port,
      plan: () => plans[way]?.() ?? null,
      dripPauseMs: 20,
    });
    relays.push(relay);
    return relay.port;
  };
  const release = () => {
    for (const relay of relays) relay.release();
  };
  try {
    const target = {
      smtpPort: await relayTo(upstream.smtpPort, "to the target"),
      pop3Port: await relayTo(upstream.pop3Port, "to the target"),
    };
    const program = await installProgram({
      folder,
      upstream: target,
      schedule: null,
      timeouts: timeLimits(targetSeconds, dataSeconds),
    });
    const running = await program.run();
    const told: ToldMail[] = [];
    const rest = () => until(() => countConnections(running.pid) === 0, () => `still connected:\n${running.output()}`);
    try {
      await rest();
      const smtpPort = await relayTo(program.smtpPort, "from clients");
      const pop3Port = await relayTo(program.pop3Port, "from clients");
      let count = 0;
      await test({
        program,
        running,
        upstream,
        told,
        plan: (plan, way = "to the target") => plans[way] = plan,
        down: (value) => isDown = value,
        struck: (count) =>
          until(
            () => relays.reduce((sum, relay) => sum + relay.struck(), 0) >= count,
            () => `no connection met trouble:\n${running.output()}`,
          ),
        release,
        mail: (traits) => makeMail(`n${++count}`, Math.random, traits),
        send: (mails) => sendInTurn(smtpPort, mails, told),
        fetch: (mail) => {
          upstream.mailbox.splice(0, Infinity, mail);
          return fetchInTurn(pop3Port, mail, told);
        },
        outcomes: async ({ token }) =>
          (await readCopies(program.drop)).copies.filter((copy) => copy.token === token).map(({ outcome }) => outcome),
        rest,
      });
      await rest();
    } finally {
      await running.stop();
    }
    release();
    await upstream.idle();
    await (await openDropWriter(program.drop)).close();
    const copies = await readCopies(program.drop);
    assertEquals(violations({ told, held: upstream.held, ...copies }, "connections"), []);
  } finally {
    await Promise.all(relays.map((relay) => relay.close()));
    await upstream.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function sendInTurn(port: number, mails: readonly LoadMail[], told: ToldMail[]): Promise<Heard> {
  // With large mails this takes longer than the program waits for octets.
  const stuffed = mails.map(({ content }) => stuff(content));
  return await dialog(port, async function* (wire, write) {
    const ask = async (line: string) => {
      await write(encodeUtf8(`${line}\r\n`));
      return await readReply(wire);
    };
    yield await readReply(wire);
    yield await ask("EHLO client.example");
    for (const [index, mail] of mails.entries()) {
      const entry: ToldMail = { mail, by: "smtp", told: "nothing", fetched: null, reply: "" };
      told.push(entry);
      const decide = (reply: string | null) => {
        entry.told = reply === null ? "nothing" : reply.startsWith("2") ? "accepted" : "refused";
        entry.reply = reply ?? "";
        return reply;
      };
      for (const line of ["MAIL FROM:<anna@company.example>", "RCPT TO:<bert@other.example>", "DATA"]) {
        const reply = await ask(line);
        if (reply?.startsWith("4")) decide(reply);
        yield reply;
      }
      await write(stuffed[index] ?? new Uint8Array());
      yield decide(await readReply(wire));
    }
    yield await ask("QUIT");
  });
}

async function fetchInTurn(port: number, mail: LoadMail, told: ToldMail[]): Promise<Heard> {
  return await dialog(port, async function* (wire, write) {
    const ask = async (line: string) => {
      await write(encodeUtf8(`${line}\r\n`));
      return await wire.readLine();
    };
    yield await wire.readLine();
    for (const line of ["USER carla", "PASS secret"]) yield await ask(line);
    const entry: ToldMail = { mail, by: "pop3", told: "nothing", fetched: null, reply: "" };
    told.push(entry);
    const status = await ask("RETR 1");
    if (status?.startsWith("-")) entry.told = "refused";
    yield status;
    entry.fetched = await wire.readBlock();
    if (entry.fetched !== null) entry.told = "accepted";
    yield entry.fetched === null ? null : "the whole mail";
    yield await ask("DELE 1");
    yield await ask("QUIT");
  });
}

type Dialog = (wire: Wire, write: (bytes: Uint8Array) => Promise<unknown>) => AsyncGenerator<string | null>;

/** Goes on until a reply says that it makes no sense to go on, or the connection is over. */
async function dialog(port: number, talk: Dialog): Promise<Heard> {
  const heard: (string | null)[] = [];
  const connection = new PeerConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
  try {
    for await (const reply of talk(new Wire(connection), (bytes) => connection.write(bytes))) {
      heard.push(reply);
      if (reply === null || /^(?:[45]|-ERR)/.test(reply)) break;
    }
  } catch (error) {
    if (!(error instanceof MailteeError)) throw error;
    heard.push(null);
  } finally {
    connection.close();
  }
  return heard;
}

/** The last line of a reply; null where the connection ended before. */
async function readReply(wire: Wire): Promise<string | null> {
  for (let line = await wire.readLine(); line !== null; line = await wire.readLine()) if (line[3] !== "-") return line;
  return null;
}
