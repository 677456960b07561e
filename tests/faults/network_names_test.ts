/** A target whose name has several addresses, some of them down, and a name that can't be looked up, or moves. */

import { assertEquals, assertMatch } from "@std/assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "@std/path";
import { openDropWriter } from "../../src/drop/writer.ts";
import { needPeerAsRoot } from "../peers/peer.ts";
import { freePorts, type RunningProgram, runProgram } from "../peers/program.ts";
import { sendMails, type ToldMail } from "./clients.ts";
import { installProgram } from "./installed_program.ts";
import { readCopies, violations } from "./ledgers.ts";
import { makeMail } from "./mails.ts";
import { startUpstream } from "./upstream.ts";

const NAME = "mail.provider.example";
const WORKING = "127.0.0.1";
const REFUSING = "127.0.0.2";
const SILENT = "127.0.0.3";
const NAME_SERVER = "127.0.0.9";
/** No connection can be made to a broadcast address: the system says so at once. */
const UNREACHABLE = "255.255.255.255";

const privateMounts = needPeerAsRoot("unshare", "mount").ignore ||
  (await runProgram("unshare", { args: ["-m", "true"] })).code !== 0;
if (privateMounts) console.warn("skipped: names of a test's own need a mount namespace");

interface Stage {
  readonly running: RunningProgram;
  readonly targetPort: number;
  /** What the name stands for from now on, as the program sees it. */
  resolvesTo(...addresses: readonly string[]): Promise<void>;
  /** Sends a mail; gives the reply that decided, or nothing where the client wasn't greeted. */
  send(): Promise<string>;
}

/** Runs a test beside the program, in whose mount namespace the files that say what names stand for are the test's. */
async function withNames(test: (stage: Stage) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-names-" });
  const upstream = startUpstream();
  const told: ToldMail[] = [];
  const [hosts, resolver] = [join(folder, "hosts"), join(folder, "resolv.conf")];
  const resolvesTo = (...addresses: readonly string[]) =>
    Deno.writeTextFile(hosts, addresses.map((address) => `${address} ${NAME}\n`).join(""));
  try {
    await resolvesTo(WORKING);
    await Deno.writeTextFile(resolver, `nameserver ${NAME_SERVER}\noptions timeout:10 attempts:1\n`);
    const [smtpPort = 0, pop3Port = 0] = freePorts(2);
    const proxy = (kind: "smtp" | "pop3", port: number, targetPort: number) => ({
      kind,
      listen: [{ address: "127.0.0.1", port, tls: "none" as const }],
      target: { host: NAME, port: targetPort, connectTimeoutSeconds: 2 },
    });
    const proxies = [proxy("smtp", smtpPort, upstream.smtpPort), proxy("pop3", pop3Port, upstream.pop3Port)];
    const program = await installProgram({ folder, upstream, proxies, schedule: null });
    const script = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
    const running = await program.run({ before: ["unshare", "-m", "sh", "-c", script, hosts, resolver] });
    let count = 0;
    try {
      await test({
        running,
        targetPort: upstream.smtpPort,
        resolvesTo,
        send: async () => {
          const first = told.length;
          await sendMails({ port: program.smtpPort, mails: [makeMail(`name${++count}`, Math.random)] }, told);
          return told[first]?.reply ?? "";
        },
      });
    } finally {
      await running.stop();
    }
    await (await openDropWriter(program.drop)).close();
    const copies = await readCopies(program.drop);
    assertEquals(violations({ told, held: upstream.held, ...copies }, "killed"), []);
  } finally {
    await upstream.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Listens on a port of `SILENT` with a queue that is full, so that the system answers nobody any more. */
async function fallSilent(port: number): Promise<Disposable> {
  const listener = Deno.listen({ hostname: SILENT, port, tcpBacklog: 1 });
  const queued: Deno.TcpConn[] = [];
  for (let isFull = false; !isFull;) {
    const tooLate = new AbortController();
    const timer = setTimeout(() => tooLate.abort(), 300);
    try {
      queued.push(await Deno.connect({ hostname: SILENT, port, signal: tooLate.signal }));
    } catch {
      isFull = true;
    }
    clearTimeout(timer);
  }
  return {
    [Symbol.dispose]: () => {
      for (const connection of queued) connection.close();
      listener.close();
    },
  };
}

Deno.test({
  ignore: privateMounts,
  name: "of several addresses of a target some are down: the next one is tried, and the log names all that failed",
  fn: async () => {
    await withNames(async ({ running, targetPort, resolvesTo, send }) => {
      using _silent = await fallSilent(targetPort);
      for (const down of [[REFUSING], [SILENT], [UNREACHABLE], [REFUSING, SILENT, UNREACHABLE]]) {
        await resolvesTo(...down, WORKING);
        assertMatch(await send(), /^250 /, down.join());
      }
      await resolvesTo(REFUSING, SILENT);
      assertEquals(await send(), "");
      // Their order is the system's.
      assertMatch(running.output(), /can't reach its target: .*127\.0\.0\.2 refused the connection/);
      assertMatch(running.output(), /can't reach its target: .*127\.0\.0\.3 did not answer within 2 seconds/);
      await resolvesTo(WORKING);
      assertMatch(await send(), /^250 /);
    });
  },
});

Deno.test({
  ignore: privateMounts,
  name: "a target's name can't be looked up: said in words, and the target is found again, also at another address",
  fn: async () => {
    await withNames(async ({ running, targetPort, resolvesTo, send }) => {
      assertMatch(await send(), /^250 /);
      await resolvesTo();
      assertEquals(await send(), "");
      assertMatch(running.output(), /cannot look up mail\.provider\.example: no name server answers/);
      const silent = createSocket("udp4").bind(53, NAME_SERVER);
      await once(silent, "listening");
      assertEquals(await send(), "");
      assertMatch(running.output(), /cannot look up mail\.provider\.example: no name server answered within 2 seconds/);
      silent.close();
      await once(silent, "close");
      await resolvesTo(WORKING);
      assertMatch(await send(), /^250 /);
      using moved = Deno.listen({ hostname: REFUSING, port: targetPort });
      await resolvesTo(REFUSING);
      const arriving = moved.accept();
      const sending = send();
      (await arriving).close();
      assertEquals(await sending, "");
    });
  },
});
