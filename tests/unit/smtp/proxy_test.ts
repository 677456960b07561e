import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../../src/base/clock.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { roomLogger, setUpLog, tearDownLog } from "../../../src/base/log.ts";
import { listDropFolder } from "../../../src/drop/folder.ts";
import { readCapture, readMail } from "../../../src/drop/reader.ts";
import { openDropWriter } from "../../../src/drop/writer.ts";
import type { SmtpProxyOptions } from "../../../src/smtp/options.ts";
import { type SmtpProxy, startSmtpProxy } from "../../../src/smtp/proxy.ts";
import { MemoryDrop } from "../../dialogs/memory_drop.ts";
import { Sink, type SinkOptions } from "./sink.ts";

interface Bench {
  readonly sink: Sink;
  readonly drop: MemoryDrop;
  readonly proxy: SmtpProxy;
  readonly options: SmtpProxyOptions;
}

/** Runs a proxy before a sink, and closes both. */
async function withProxy(
  changes: Partial<SmtpProxyOptions>,
  test: (bench: Bench) => Promise<void>,
  sinkOptions: SinkOptions = {},
): Promise<void> {
  const sink = new Sink(sinkOptions);
  const drop = new MemoryDrop();
  const options: SmtpProxyOptions = {
    name: "test",
    listen: [{ address: "127.0.0.1", port: 0, tls: "none" }],
    target: { host: "127.0.0.1", port: sink.port, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 5000 },
    ...changes,
  };
  const proxy = await startSmtpProxy(options, { drop, clock: systemClock, log: roomLogger("smtp") });
  try {
    await test({ sink, drop, proxy, options });
  } finally {
    await proxy.stop();
    await sink.close();
  }
}

/** A client that speaks in lines. */
class Client implements Disposable {
  readonly #tcp: Deno.TcpConn;
  #text = "";
  #closed = false;

  private constructor(tcp: Deno.TcpConn) {
    this.#tcp = tcp;
  }

  static async connect(proxy: SmtpProxy): Promise<Client> {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port: proxy.addresses[0]?.port ?? 0 });
    tcp.setNoDelay(true);
    return new Client(tcp);
  }

  async send(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await this.#tcp.write(bytes.subarray(at));
  }

  /** The next whole reply, lines joined by "\n"; null at the end. */
  async reply(): Promise<string | null> {
    const lines: string[] = [];
    for (;;) {
      const at = this.#text.indexOf("\r\n");
      if (at < 0) {
        const buffer = new Uint8Array(4096);
        const count = await this.#tcp.read(buffer).catch(() => null);
        if (count === null) return null;
        this.#text += new TextDecoder().decode(buffer.subarray(0, count));
        continue;
      }
      const line = this.#text.slice(0, at);
      this.#text = this.#text.slice(at + 2);
      lines.push(line);
      if (line[3] !== "-") return lines.join("\n");
    }
  }

  async say(...lines: string[]): Promise<string | null> {
    await this.send(lines.map((line) => `${line}\r\n`).join(""));
    return await this.reply();
  }

  /** From the greeting to the reply to DATA. */
  async begin(): Promise<void> {
    await this.reply();
    await this.say("EHLO client.example");
    await this.say("MAIL FROM:<anna@a.example>");
    await this.say("RCPT TO:<bob@b.example>");
    assertEquals(await this.say("DATA"), "354 Go");
  }

  close(): void {
    if (!this.#closed) this.#tcp.close();
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

Deno.test("startSmtpProxy() writes what passes into a drop folder, and reports it", async () => {
  const folder = await Deno.makeTempDir();
  const sink = new Sink();
  const drop = await openDropWriter(folder);
  const proxy = await startSmtpProxy({
    name: "office",
    listen: [{ address: "127.0.0.1", port: 0, tls: "none" }],
    target: { host: "127.0.0.1", port: sink.port, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 5000 },
  }, { drop, clock: systemClock, log: roomLogger("smtp") });
  try {
    using client = await Client.connect(proxy);
    await client.begin();
    assertEquals(await client.say("Subject: hello", "", "..dot", "."), "250 2.0.0 Queued");
    const [entry, ...others] = await listDropFolder(folder);
    assert(entry !== undefined && others.length === 0);
    const capture = await readCapture(`${folder}/${entry.name}`);
    assertEquals(new TextDecoder().decode(await readMail(capture)), "Subject: hello\r\n\r\n.dot\r\n");
    const { report } = capture;
    assertEquals(report.outcome, "accepted");
    assertEquals(report.proxy, { name: "office", kind: "smtp", listen: `127.0.0.1:${proxy.addresses[0]?.port}` });
    assertEquals(report.client.helo, "client.example");
    assertEquals(report.target, { host: "127.0.0.1", address: "127.0.0.1", port: sink.port, tls: null });
    assertEquals(report.smtp, {
      mailFrom: "anna@a.example",
      recipients: [{ address: "bob@b.example", params: [], reply: "250 2.1.5 Ok" }],
      rejectedRecipients: [],
      params: [],
      reply: "250 2.0.0 Queued",
    });
    assertEquals(sink.mails.map(({ content }) => content), ["Subject: hello\r\n\r\n.dot\r\n"]);
  } finally {
    await proxy.stop();
    await drop.close();
    await sink.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("startSmtpProxy() counts sessions and mails", async () => {
  await withProxy({}, async ({ proxy }) => {
    using client = await Client.connect(proxy);
    await client.begin();
    await client.say("x", ".");
    await client.say("WHAT");
    assertEquals(proxy.stats().sessions.open, 1);
    await client.say("QUIT");
    assertEquals(await client.reply(), null);
    await proxy.drain(5000);
    const { sessions, mails, commandErrors } = proxy.stats();
    assertEquals(sessions, { open: 0, total: 1, ended: { quit: 1 } });
    assertEquals(mails, { accepted: 1, refused: 0, unknown: 0, undelivered: {}, bytes: 3 });
    assertEquals(commandErrors, 1);
  });
});

Deno.test("startSmtpProxy() counts the limits that clients were told of", async () => {
  const limits = { maxLineBytes: 100, maxRecipients: 1, maxMailBytes: 3, maxErrors: 5 };
  await withProxy({ limits }, async ({ proxy }) => {
    using client = await Client.connect(proxy);
    await client.reply();
    await client.say("EHLO client.example");
    await client.say("x".repeat(200));
    await client.say("MAIL FROM:<anna@a.example> SIZE=4");
    await client.say("MAIL FROM:<anna@a.example>");
    await client.say("RCPT TO:<bob@b.example>");
    await client.say("RCPT TO:<carl@c.example>");
    await client.say("WHAT");
    assertEquals(await client.say("WHAT"), "500 5.5.2 Command not recognized");
    assertEquals(await client.reply(), "421 4.7.0 Too many errors, closing connection");
    assertEquals(proxy.stats().limits, { line: 1, size: 1, recipients: 1, errors: 1 });
  });
});

Deno.test("startSmtpProxy() turns away whom it doesn't know, with 554", async () => {
  await withProxy({ allowFrom: ["192.0.2.0/24"] }, async ({ proxy }) => {
    using client = await Client.connect(proxy);
    assertEquals(await client.reply(), "554 5.7.1 Access denied");
    assertEquals(await client.reply(), null);
    assertEquals(proxy.stats().refusedConnections, { "not-allowed": 1 });
    assertEquals(proxy.stats().sessions.total, 0);
  });
});

Deno.test("startSmtpProxy() turns away one connection too many, with 421", async () => {
  await withProxy({ limits: { maxConnectionsPerAddress: 1 } }, async ({ proxy }) => {
    using first = await Client.connect(proxy);
    assertEquals(await first.reply(), "220 sink.example");
    using second = await Client.connect(proxy);
    assertEquals(await second.reply(), "421 4.7.0 Too many connections, try again later");
    assertEquals(await first.say("NOOP"), "250 2.0.0 Ok");
  });
});

Deno.test("startSmtpProxy() rejects an address list that can't be understood, and a port that is taken", async () => {
  await withProxy({}, async ({ proxy, options, drop }) => {
    const dependencies = { drop, clock: systemClock, log: roomLogger("smtp") };
    await assertRejects(() => startSmtpProxy({ ...options, allowFrom: ["here"] }, dependencies), MailteeError);
    const listen = [{ address: "127.0.0.1", port: proxy.addresses[0]?.port ?? 0, tls: "none" as const }];
    await assertRejects(() => startSmtpProxy({ ...options, listen }, dependencies), MailteeError);
  });
});

Deno.test("update() serves new sessions by new options, and leaves running ones alone", async () => {
  await withProxy({}, async ({ proxy, options }) => {
    using before = await Client.connect(proxy);
    await before.reply();
    proxy.update({ ...options, limits: { maxErrors: 1 } });
    using after = await Client.connect(proxy);
    await after.reply();
    for (const client of [before, after]) assertEquals(await client.say("WHAT"), "500 5.5.2 Command not recognized");
    assertEquals(await after.reply(), "421 4.7.0 Too many errors, closing connection");
    assertEquals(await before.say("NOOP"), "250 2.0.0 Ok");
  });
});

Deno.test("drain() lets a mail come to its end, ends idle sessions, and takes no new ones", async () => {
  await withProxy({}, async ({ proxy, sink, drop }) => {
    using idle = await Client.connect(proxy);
    await idle.reply();
    using busy = await Client.connect(proxy);
    await busy.begin();
    const drained = proxy.drain(60_000);
    assertEquals(await idle.reply(), "421 4.3.2 Service shutting down, try again later");
    await assertRejects(() => Client.connect(proxy), Deno.errors.ConnectionRefused);
    assertEquals(await busy.say("x", "."), "250 2.0.0 Queued");
    assertEquals(await busy.reply(), "421 4.3.2 Service shutting down, try again later");
    idle.close();
    busy.close();
    await drained;
    assertEquals([sink.mails.length, drop.kept.length], [1, 1]);
  });
});

Deno.test("drain() cuts short what isn't over in time", async () => {
  await withProxy({}, async ({ proxy, sink, drop }) => {
    using client = await Client.connect(proxy);
    await client.begin();
    await client.send("half a mail\r\n");
    await proxy.drain(1);
    assertEquals(await client.reply(), "421 4.3.2 Service shutting down, try again later");
    assertEquals([sink.mails.length, drop.kept.length, drop.open.size], [0, 0, 0]);
  });
});

Deno.test("startSmtpProxy() holds a client back as long as the target doesn't read", async () => {
  await withProxy({}, async ({ proxy, drop }) => {
    using client = await Client.connect(proxy);
    await client.begin();
    const line = `${"x".repeat(1022)}\r\n`.repeat(64);
    const sending = (async () => {
      for (let count = 0; count < 1024; count++) await client.send(line);
    })();
    sending.catch(() => {});
    let copied = -1;
    // What has been copied stops growing: both sockets are full, and nothing is taken from the client.
    for (let same = 0; same < 10;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const [size = 0] = [...drop.open].map((capture) => capture.size);
      same = size === copied && size > 0 ? same + 1 : 0;
      copied = size;
    }
    assert(copied < 32 * 1024 * 1024, `${copied} bytes were taken from the client`);
    await proxy.stop();
    await assertRejects(() => sending);
  }, { stallsInData: true });
});

Deno.test("startSmtpProxy() logs a line per mail and per session, and never a secret or a mail", async () => {
  const lines: string[] = [];
  await setUpLog({ level: "debug", format: "text", write: (line) => lines.push(line) });
  try {
    await withProxy({}, async ({ proxy }) => {
      using client = await Client.connect(proxy);
      await client.reply();
      await client.say("EHLO client.example");
      await client.say(`AUTH PLAIN ${btoa("\0anna\0hunter2")}`);
      await client.say("MAIL FROM:<anna@a.example>");
      await client.say("RCPT TO:<bob@b.example>");
      await client.say("DATA");
      await client.say("Subject: private matter", ".");
      await client.say("QUIT");
      await proxy.drain(5000);
    });
  } finally {
    await tearDownLog();
  }
  const log = lines.join("");
  const mail = lines.find((line) => line.includes("Mail accepted")) ?? "";
  for (const fact of ["from=anna@a.example", "recipients=1", "size=25", "250 2.0.0 Queued", "client=127.0.0.1"]) {
    assertStringIncludes(mail, fact);
  }
  assertStringIncludes(log, "Session ended: quit");
  for (const secret of ["hunter2", btoa("\0anna\0hunter2"), "private matter"]) {
    assertEquals(log.includes(secret), false, secret);
  }
});
