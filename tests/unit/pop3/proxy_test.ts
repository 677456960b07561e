import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { concatBytes, encodeUtf8 } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { roomLogger, setUpLog, tearDownLog } from "../../../src/base/log.ts";
import { type MailServer, startMailServer } from "../../../src/demo/mail_server.ts";
import { listDropFolder } from "../../../src/drop/folder.ts";
import { readCapture, readMail } from "../../../src/drop/reader.ts";
import { openDropWriter } from "../../../src/drop/writer.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import type { Pop3ProxyOptions } from "../../../src/pop3/options.ts";
import { type Pop3Proxy, startPop3Proxy } from "../../../src/pop3/proxy.ts";
import { corpusFiles } from "../net/corpus.ts";
import { Pop3Client } from "./pop3_client.ts";

interface Stage extends AsyncDisposable {
  readonly server: MailServer;
  readonly proxy: Pop3Proxy;
  readonly port: number;
  readonly folder: string;
  options(changes?: Partial<Pop3ProxyOptions>): Pop3ProxyOptions;
  /** What lies in the drop folder. */
  captures(): Promise<{ readonly uidl: string | null; readonly mail: Uint8Array }[]>;
}

const account = { username: "anna", password: "secret", addresses: ["anna@a.example"] };

/** A proxy between loopback clients and the built-in mail server, with a drop folder of its own. */
async function setStage(changes: Partial<Pop3ProxyOptions> = {}, mails: readonly Uint8Array[] = []): Promise<Stage> {
  const folder = await Deno.makeTempDir();
  const server = startMailServer({ accounts: [account] });
  for (const content of mails) {
    server.mailboxes.deliver({
      mailFrom: "bert@b.example",
      params: [],
      recipients: account.addresses,
      authenticatedAs: null,
      content: new Uint8Array(content),
    });
  }
  const drop = await openDropWriter(folder);
  const options = (more: Partial<Pop3ProxyOptions> = {}): Pop3ProxyOptions => ({
    name: "test",
    listen: [{ address: "127.0.0.1", port: 0, tls: "none" }],
    target: {
      host: "127.0.0.1",
      port: server.pop3Port,
      tls: "none",
      trust: { kind: "system" },
      connectTimeoutMs: 5000,
    },
    ...changes,
    ...more,
  });
  const proxy = await startPop3Proxy(options(), { drop, clock: systemClock, log: roomLogger("pop3") });
  return {
    server,
    proxy,
    port: proxy.addresses[0]?.port ?? 0,
    folder,
    options,
    captures: async () => {
      const entries = await listDropFolder(folder);
      return await Promise.all(entries.map(async ({ path }) => {
        const capture = await readCapture(path);
        return { uidl: capture.report.pop3?.uidl ?? null, mail: await readMail(capture) };
      }));
    },
    [Symbol.asyncDispose]: async () => {
      await proxy.stop();
      await server.close();
      await drop.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const first = encodeUtf8("Subject: one\r\n\r\n1\r\n");
const second = encodeUtf8("Subject: two\r\n\r\n..\r\n.\r\n");
const mails = [first, second];

/** The end marker of a block stands on a line of its own, so a mail without CRLF at its end gets one. */
function endedByCrLf(content: Uint8Array): Uint8Array {
  return content.at(-2) === 13 && content.at(-1) === 10 ? content : concatBytes([content, encodeUtf8("\r\n")]);
}

Deno.test("startPop3Proxy() captures what a client fetches", async () => {
  await using stage = await setStage({}, mails);
  using client = await Pop3Client.logIn(stage.port);
  assertEquals([await client.retrieve(1), await client.retrieve(2)], mails);
  assertEquals(await client.ask("QUIT"), "+OK Bye");
  assertEquals(await stage.captures(), [
    { uidl: "demo-000001", mail: first },
    { uidl: "demo-000002", mail: second },
  ]);
});

Deno.test("startPop3Proxy() passes the corpus and captures it, octet for octet", async (t) => {
  const contents = corpusFiles().map((path) => endedByCrLf(Deno.readFileSync(path)));
  if (contents.length === 0) return void await t.step({ name: "the corpus is missing", ignore: true, fn: () => {} });
  await using stage = await setStage({}, contents);
  using client = await Pop3Client.logIn(stage.port);
  for (const [index, content] of contents.entries()) assertEquals(await client.retrieve(index + 1), content);
  await client.ask("QUIT");
  const captures = await stage.captures();
  assertEquals(captures.length, contents.length);
  for (const [index, { mail }] of captures.entries()) assertEquals(mail, contents[index]);
});

Deno.test("startPop3Proxy() captures a mail once where it is told to, also after a restart", async () => {
  await using stage = await setStage({ recapture: "never" }, mails);
  for (let session = 0; session < 2; session++) {
    using client = await Pop3Client.logIn(stage.port);
    assertEquals([await client.retrieve(1), await client.retrieve(2)], mails);
    await client.ask("QUIT");
  }
  assertEquals((await stage.captures()).length, 2);
  assertEquals(stage.proxy.stats().mails, { captured: 2, known: 2, uncopied: 0, undelivered: 0, bytes: 42 });
  await stage.proxy.stop();

  const drop = await openDropWriter(stage.folder);
  const again = await startPop3Proxy(stage.options(), { drop, clock: systemClock, log: roomLogger("pop3") });
  {
    using client = await Pop3Client.logIn(again.addresses[0]?.port ?? 0);
    await client.retrieve(1);
    await client.ask("QUIT");
  }
  await again.stop();
  await drop.close();
  assertEquals([again.stats().mails.known, (await stage.captures()).length], [1, 2]);
});

Deno.test("startPop3Proxy() refuses in the protocol's words", async () => {
  await using stage = await setStage({ limits: { maxConnectionsPerAddress: 1 } });
  using served = await Pop3Client.logIn(stage.port);
  using surplus = await Pop3Client.connect(stage.port);
  assertEquals(await surplus.line(), "-ERR [SYS/TEMP] Too many connections; try again later");
  assertEquals(await surplus.line(), null);
  stage.proxy.update(stage.options({ allowFrom: ["192.0.2.0/24"] }));
  using stranger = await Pop3Client.connect(stage.port);
  assertEquals(await stranger.line(), "-ERR [SYS/PERM] Connections from your address aren't allowed here");
  assertEquals(await served.ask("NOOP"), "+OK");
  assertEquals(stage.proxy.stats().refusedConnections, { "too-many-from-address": 1, "not-allowed": 1 });
});

Deno.test("startPop3Proxy() counts the limits that clients were told of", async () => {
  await using stage = await setStage({ limits: { maxLineBytes: 100, maxErrors: 2 } });
  using client = await Pop3Client.logIn(stage.port);
  assertEquals(await client.ask("x".repeat(200)), "-ERR The line is too long");
  assertEquals(await client.ask("y".repeat(200)), "-ERR The line is too long");
  assertEquals(await client.line(), "-ERR Too many bad commands; closing");
  assertEquals(stage.proxy.stats().limits, { line: 2, errors: 1 });
});

Deno.test("startPop3Proxy() rejects where it can't listen or understand who may connect", async () => {
  await using stage = await setStage();
  const listen = [{ address: "127.0.0.1", port: stage.port, tls: "none" as const }];
  await assertRejects(() => setStage({ listen }), MailteeError);
  await assertRejects(() => setStage({ allowFrom: ["nobody"] }), MailteeError, "nobody");
});

Deno.test("startPop3Proxy() doesn't go on with a target that it can't trust", async () => {
  const certificate = {
    cert: Deno.readTextFileSync(new URL("../../dialogs/localhost.crt", import.meta.url)),
    key: Deno.readTextFileSync(new URL("../../dialogs/localhost.key", import.meta.url)),
  };
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using stage = await setStage({
    target: {
      host: "127.0.0.1",
      port: listener.addr.port,
      tls: "starttls",
      trust: { kind: "system" },
      connectTimeoutMs: 5000,
    },
  });
  using client = await Pop3Client.connect(stage.port);
  const target = new TcpConnection(await listener.accept());
  await target.write(encodeUtf8("+OK ready\r\n"));
  await target.fill();
  target.consume(target.buffered.length);
  await target.write(encodeUtf8("+OK go\r\n"));
  await target.startServerTls(certificate).catch(() => {});
  const answer = await client.line();
  target.close();
  assertEquals(answer, "-ERR [SYS/TEMP] No encrypted connection to the mail server can be made; try again later");
  assertEquals(stage.proxy.stats().sessions.ended, {});
  assertEquals(await client.line(), null);
});

Deno.test("Pop3Proxy.drain() lets sessions end with their QUIT, and no new ones begin", async () => {
  await using stage = await setStage({}, mails);
  using client = await Pop3Client.logIn(stage.port);
  using early = await Pop3Client.connect(stage.port);
  await early.line();
  const drained = stage.proxy.drain(60_000);
  assertEquals(await early.line(), null);
  early.connection.close();
  await assertRejects(() => Pop3Client.connect(stage.port));
  assertEquals(await client.retrieve(1), first);
  assertEquals(await client.ask("DELE 1"), "+OK");
  assertEquals(await client.ask("QUIT"), "+OK Bye");
  client.connection.close();
  await drained;
  assertEquals(stage.server.mailboxes.of("anna").length, 1);
  assertEquals(stage.proxy.stats().sessions, { open: 0, total: 2, ended: { shutdown: 1, quit: 1 } });
});

Deno.test("Pop3Proxy.drain() ends what is left after the grace time", async () => {
  await using stage = await setStage({}, mails);
  using client = await Pop3Client.logIn(stage.port);
  const drained = stage.proxy.drain(0);
  assertEquals(await client.line(), null);
  client.connection.close();
  await drained;
  assertEquals(stage.server.mailboxes.of("anna").length, 2);
});

Deno.test("startPop3Proxy() logs sessions and mails, and no secret", async () => {
  const lines: string[] = [];
  await setUpLog({ level: "debug", format: "json", write: (line) => void lines.push(line) });
  try {
    await using stage = await setStage({}, mails);
    using client = await Pop3Client.logIn(stage.port);
    await client.retrieve(1);
    await client.ask(`AUTH PLAIN ${btoa("\0anna\0secret")}`);
    await client.ask("secret");
    await client.ask("DELE 1");
    await client.ask("QUIT");
    client.connection.close();
    await stage.proxy.drain(5000);
  } finally {
    await tearDownLog();
  }
  const records = lines.map((line) => JSON.parse(line));
  assertEquals(records.map(({ message }) => message), ["Mail captured", "Session ended: quit"]);
  const [mail, session] = records;
  assertEquals(
    [mail.user, mail.uidl, mail.size, mail.outcome, typeof mail.capture],
    ["anna", "demo-000001", 19, "captured", "string"],
  );
  assertEquals([session.user, session.retrieved, session.tops, session.deleted, session.octets], ["anna", 1, 0, 1, 19]);
  for (const line of lines) assertEquals(/secret|AGFubmE/.test(line), false);
  assertStringIncludes(lines.join(""), "127.0.0.1");
});
