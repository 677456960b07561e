import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { dial } from "../../../src/net/dial.ts";
import { interleaveFamilies } from "../../../src/net/staggered_connect.ts";
import type { TargetOptions } from "../../../src/net/types.ts";
import { FakeClock } from "./fake_clock.ts";
import { issueCertificate } from "./issue_certificate.ts";
import { closeQuietly, nextTurn, rawPair, readExactly, TestDeadlines } from "./sockets.ts";

const certificate = await issueCertificate({ names: ["mail.example.org"] });

function target(options: Partial<TargetOptions> = {}): TargetOptions {
  return {
    host: "mail.example.org",
    port: 25,
    tls: "none",
    trust: { kind: "ca", pem: certificate.cert },
    connectTimeoutMs: 10_000,
    ...options,
  };
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code} (os error)`), { code });
}

/** A network in which each address behaves as it's told: a socket, an error, or no answer. */
class FakeNetwork {
  readonly tried: string[] = [];
  readonly sockets: Deno.TcpConn[] = [];
  readonly #answers: Readonly<Record<string, "connects" | "silent" | Error>>;

  constructor(answers: Readonly<Record<string, "connects" | "silent" | Error>>) {
    this.#answers = answers;
  }

  readonly resolve = () => Promise.resolve(Object.keys(this.#answers));

  readonly connect = async (address: string, _port: number, signal: AbortSignal): Promise<Deno.TcpConn> => {
    this.tried.push(address);
    const answer = this.#answers[address];
    if (answer instanceof Error) throw answer;
    if (answer === "connects") {
      const [client, server] = await rawPair();
      this.sockets.push(client, server);
      return client;
    }
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(systemError("ECANCELED"))));
  };

  close(): void {
    for (const socket of this.sockets) closeQuietly(socket);
  }
}

async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

Deno.test("dial() connects to a name that only this machine knows", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connection = await dial(target({ host: "localhost", port: listener.addr.port }));
  const peer = await listener.accept();
  await peer.write(encodeUtf8("220\r\n"));
  assertEquals(await readExactly(connection, 5), "220\r\n");
  assertEquals(connection.remote.port, listener.addr.port);
  connection.close();
  peer.close();
});

Deno.test("dial() tries the next address at once when one refuses", async () => {
  const network = new FakeNetwork({
    "2001:db8::1": systemError("ECONNREFUSED"),
    "192.0.2.1": systemError("ENETUNREACH"),
    "192.0.2.2": "connects",
  });
  const clock = new FakeClock();
  const connection = await dial(target(), { ...network, clock });
  assertEquals(network.tried, ["2001:db8::1", "192.0.2.1", "192.0.2.2"]);
  assertEquals(clock.sleeping, 0);
  connection.close();
  network.close();
});

Deno.test("dial() tries the next address after a quarter of a second of silence", async () => {
  const network = new FakeNetwork({ "2001:db8::1": "silent", "192.0.2.1": "silent", "2001:db8::2": "connects" });
  const clock = new FakeClock();
  const dialling = dial(target(), { ...network, clock });
  await turns();
  assertEquals(network.tried, ["2001:db8::1"]);
  clock.pass(249);
  await turns();
  assertEquals(network.tried, ["2001:db8::1"]);
  clock.pass(1);
  await turns();
  assertEquals(network.tried, ["2001:db8::1", "192.0.2.1"]);
  clock.pass(250);
  const connection = await dialling;
  assertEquals(network.tried, ["2001:db8::1", "192.0.2.1", "2001:db8::2"]);
  connection.close();
  network.close();
});

Deno.test("dial() says what each address answered", async () => {
  const { resolve, connect } = new FakeNetwork({
    "192.0.2.1": systemError("ECONNREFUSED"),
    "2001:db8::1": systemError("EHOSTUNREACH"),
  });
  const error = await assertRejects(() => dial(target(), { resolve, connect }), MailteeError);
  assertEquals(error.code, "unreachable");
  assertEquals(
    error.message,
    "cannot connect to mail.example.org:25: 192.0.2.1 refused the connection; " +
      "2001:db8::1 cannot be reached: no way to the host",
  );
  assertStringIncludes(error.hint ?? "", "firewall");
});

Deno.test("dial() gives up when its time is over, and says who was silent", async () => {
  const network = new FakeNetwork({ "192.0.2.1": "silent", "192.0.2.2": systemError("ECONNREFUSED") });
  const clock = new FakeClock();
  const deadlines = new TestDeadlines();
  const dialling = dial(target({ connectTimeoutMs: 3000 }), { ...network, clock, deadlines });
  const failing = assertRejects(() => dialling, MailteeError);
  await turns();
  clock.pass(250);
  await turns();
  deadlines.pass(2999);
  await turns();
  assertEquals(network.tried.length, 2);
  deadlines.pass(1);
  const error = await failing;
  assertEquals(error.code, "unreachable");
  assertStringIncludes(error.message, "192.0.2.1 did not answer within 3 seconds; 192.0.2.2 refused the connection");
  assertEquals([clock.sleeping, deadlines.running], [0, false]);
});

Deno.test("dial() closes a connection that comes too late", async () => {
  const [client, server] = await rawPair();
  const late = Promise.withResolvers<Deno.TcpConn>();
  const deadlines = new TestDeadlines();
  const connect = () => late.promise;
  const failing = assertRejects(() => dial(target({ host: "192.0.2.1" }), { connect, deadlines }), MailteeError);
  await turns();
  deadlines.pass(10_000);
  assertEquals((await failing).code, "unreachable");
  late.resolve(client);
  assertEquals(await server.read(new Uint8Array(1)), null);
  server.close();
});

Deno.test("dial() closes a connection that comes about in the moment in which it is given up", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const giveUp = new AbortController();
  const made: { connection: Deno.TcpConn; closed: boolean }[] = [];
  const { connect } = Deno;
  // As Deno.connect does it at its end, at the worst moment for it.
  Reflect.set(Deno, "connect", async ({ signal }: { signal: AbortSignal }) => {
    const connection = await connect({ hostname: "127.0.0.1", port });
    const entry = { connection, closed: false };
    made.push(entry);
    connection.close = () => entry.closed = true;
    giveUp.abort("given up");
    signal.throwIfAborted();
    return connection;
  });
  try {
    const reason = await dial(target({ host: "127.0.0.1", port }), { signal: giveUp.signal }).catch((error) => error);
    assertEquals(reason, "given up");
  } finally {
    Reflect.set(Deno, "connect", connect);
  }
  assertEquals(made.map(({ closed }) => closed), [true]);
  for (const { connection } of made) connection[Symbol.dispose]();
  (await listener.accept()).close();
});

Deno.test("dial() says that there is no host of that name", async () => {
  const resolve = () => Promise.reject(systemError("ENOTFOUND"));
  const error = await assertRejects(() => dial(target(), { resolve }), MailteeError);
  assertEquals([error.code, error.message], [
    "unreachable",
    "cannot look up mail.example.org: there is no host of that name",
  ]);
});

Deno.test("dial() says that no name server answers", async () => {
  const resolve = () => Promise.reject(systemError("EAI_AGAIN"));
  const error = await assertRejects(() => dial(target(), { resolve }), MailteeError);
  assertEquals(error.message, "cannot look up mail.example.org: no name server answers");
});

Deno.test("dial() says that no name server answered", async () => {
  const deadlines = new TestDeadlines();
  const resolve = () => new Promise<string[]>(() => {});
  const failing = assertRejects(() => dial(target(), { resolve, deadlines }), MailteeError);
  await turns();
  deadlines.pass(10_000);
  assertMatch((await failing).message, /no name server answered within 10 seconds/);
});

Deno.test("dial() gives up with the signal's reason, at any time", async () => {
  const reason = new Error("shutting down");
  await assertRejects(() => dial(target(), { signal: AbortSignal.abort(reason) }), Error, "shutting down");
  const stop = new AbortController();
  const { resolve, connect } = new FakeNetwork({ "192.0.2.1": "silent" });
  const clock = new FakeClock();
  const failing = assertRejects(() => dial(target(), { resolve, connect, clock, signal: stop.signal }), Error, "down");
  await turns();
  stop.abort(reason);
  await failing;
  assertEquals(clock.sleeping, 0);
});

Deno.test("dial() shakes hands where TLS is implicit, and takes the deadline away after", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const deadlines = new TestDeadlines();
  const serving = listener.accept().then(async (tcp) => {
    const server = new TcpConnection(tcp);
    await server.startServerTls(certificate);
    await server.write(encodeUtf8("220\r\n"));
    return server;
  });
  const { port } = listener.addr;
  const connection = await dial(target({ port, tls: "implicit" }), {
    resolve: () => Promise.resolve(["127.0.0.1"]),
    deadlines,
  });
  assertEquals(connection.tls?.version, "TLSv1.3");
  assertEquals(connection.deadline, Infinity);
  assertEquals(await readExactly(connection, 5), "220\r\n");
  connection.close();
  assertEquals(deadlines.running, false);
  (await serving).close();
});

Deno.test("dial() limits the handshake's time, and gives it up with the signal", async () => {
  for (const end of ["deadline", "signal"] as const) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const deadlines = new TestDeadlines();
    const stop = new AbortController();
    const dialling = dial(target({ host: "127.0.0.1", port: listener.addr.port, tls: "implicit" }), {
      deadlines,
      signal: stop.signal,
    });
    const failing = assertRejects(() => dialling, Error);
    const silent = await listener.accept();
    // The handshake has begun once its first words are here.
    await silent.read(new Uint8Array(1000));
    if (end === "deadline") deadlines.pass(10_000);
    else stop.abort(new Error("shutting down"));
    const error = await failing;
    assertEquals(
      error instanceof MailteeError ? error.code : error.message,
      end === "deadline" ? "timeout" : "shutting down",
    );
    silent.close();
  }
});

Deno.test("interleaveFamilies() takes IPv6 and IPv4 in turn, in their order", () => {
  assertEquals(
    interleaveFamilies(["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"]),
    ["2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"],
  );
  assertEquals(interleaveFamilies(["192.0.2.1", "2001:db8::1", "192.0.2.2"]), [
    "192.0.2.1",
    "2001:db8::1",
    "192.0.2.2",
  ]);
  assertEquals(interleaveFamilies([]), []);
});
