import { assertEquals } from "@std/assert";
import type { Clock } from "../../../src/base/clock.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { roomLogger } from "../../../src/base/log.ts";
import { Counters } from "../../../src/smtp/counters.ts";
import { LoginGate } from "../../../src/smtp/login_gate.ts";
import { defaultSmtpTimeouts, resolveSmtpOptions } from "../../../src/smtp/options.ts";
import { ProxySession } from "../../../src/smtp/proxy_session.ts";
import { MemoryDrop } from "../../dialogs/memory_drop.ts";
import { MemoryConnection } from "../pop3/memory_connection.ts";

const LISTEN = { address: "127.0.0.1", port: 25, tls: "none" } as const;
const stillClock: Clock = { now: () => 0, monotonicMs: () => 0, sleep: () => new Promise(() => {}) };

/** A session in memory, up to the target's 354. */
async function inData(drop: MemoryDrop) {
  const [client, target] = [new MemoryConnection(1), new MemoryConnection(2)];
  const counters = new Counters();
  const session = new ProxySession({
    id: "1",
    connection: client,
    listen: LISTEN,
    options: resolveSmtpOptions({
      name: "test",
      listen: [LISTEN],
      target: { host: "mail.example", port: 25, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 1 },
    }),
    dial: () => Promise.resolve(target),
    drop,
    clock: stillClock,
    log: roomLogger("smtp"),
    counters,
    loginGate: new LoginGate(stillClock),
  });
  const running = session.run();
  target.send("220 mail.example\r\n");
  await client.received("220 mail.example\r\n");
  const steps = [["MAIL FROM:<a@x.example>", "250 Ok"], ["RCPT TO:<b@x.example>", "250 Ok"], ["DATA", "354 Go"]];
  for (const [command = "", reply = ""] of steps) {
    client.send(`${command}\r\n`);
    await target.received(`${command}\r\n`);
    target.send(`${reply}\r\n`);
    await client.received(`${reply}\r\n`);
  }
  return { client, target, running, counters };
}

Deno.test("ProxySession.run() gives a mail up that the target doesn't take in time, and says so at its end", async () => {
  const drop = new MemoryDrop();
  const { client, target, running, counters } = await inData(drop);
  const window = Promise.withResolvers<void>();
  target.writeGate = window.promise;
  client.send("first\r\n");
  for (let turn = 0; turn < 100 && target.deadlineMs === null; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assertEquals(target.deadlineMs, defaultSmtpTimeouts.dataMs);
  target.expire();
  window.reject(new MailteeError("timeout", "nothing was taken in time"));
  client.send("second\r\n", ".\r\n");
  await client.received("451 4.4.2 The mail server didn't answer in time, try again later\r\n");
  assertEquals([target.closed, drop.kept.length, drop.open.size], [true, 0, 0]);
  client.send("QUIT\r\n");
  await client.received("221 2.0.0 Bye\r\n");
  client.sendEnd();
  await running;
  assertEquals(counters.snapshot().mails.undelivered, { "target-lost": 1 });
});
