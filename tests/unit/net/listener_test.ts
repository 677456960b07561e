import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { acceptLoop, type Acceptor } from "../../../src/net/accept_loop.ts";
import { parseAddressList } from "../../../src/net/address_list.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { listenError } from "../../../src/net/listen_error.ts";
import { type Listener, type ListenerOptions, type Sessions, startListener } from "../../../src/net/listener.ts";
import type { Connection } from "../../../src/net/types.ts";
import { issueCertificate } from "./issue_certificate.ts";
import { rawPair, readExactly } from "./sockets.ts";

const certificate = await issueCertificate({ names: ["localhost"] });

const options: ListenerOptions = {
  listen: [{ address: "127.0.0.1", port: 0, tls: "none" }],
  allowFrom: null,
  maxConnections: 10,
  maxConnectionsPerAddress: 10,
  handshakeTimeoutMs: 60_000,
};

/** Greets, and stays until the client ends. */
const greeting: Sessions = {
  async start(connection) {
    await connection.write(encodeUtf8("220 hello\r\n"));
    while (await connection.fill()) connection.consume(connection.buffered.length);
  },
  async refuse(connection, reason) {
    await connection.write(encodeUtf8(`421 ${reason}\r\n`));
  },
};

async function connectTo(listener: Listener, index = 0): Promise<TcpConnection> {
  const { address, port } = listener.addresses[index] ?? { address: "", port: 0 };
  return new TcpConnection(await Deno.connect({ hostname: address, port }));
}

async function firstLine(connection: Connection): Promise<string> {
  let line = "";
  while (!line.endsWith("\n")) {
    const byte = await readExactly(connection, 1);
    if (byte === "") break;
    line += byte;
  }
  return line.trim();
}

async function stopped(listener: Listener): Promise<void> {
  await listener.stop();
  await listener.idle();
}

Deno.test("startListener() serves connections and counts them until they end", async () => {
  const listener = startListener(options, greeting);
  const clients = [await connectTo(listener), await connectTo(listener)];
  for (const client of clients) assertEquals(await firstLine(client), "220 hello");
  assertEquals(listener.connections(), { open: 2, refused: 0 });
  let idle = false;
  const idling = listener.idle().then(() => idle = true);
  clients[0]?.close();
  clients[1]?.close();
  await idling;
  assertEquals([idle, listener.connections().open], [true, 0]);
  await stopped(listener);
});

Deno.test("startListener() closes a connection when its session ends, and survives sessions that fail", async () => {
  let sessions = 0;
  const listener = startListener(options, {
    ...greeting,
    start: () => sessions++ === 0 ? Promise.reject(new Error("a bug")) : Promise.resolve(),
  });
  for (let round = 0; round < 2; round++) {
    const client = await connectTo(listener);
    assertEquals(await client.fill(), false);
    client.close();
  }
  assertEquals(sessions, 2);
  await stopped(listener);
});

Deno.test("startListener() refuses beyond its limits, with the protocol's words", async () => {
  const cases: [Partial<ListenerOptions>, string][] = [
    [{ maxConnections: 1 }, "421 too-many"],
    [{ maxConnectionsPerAddress: 1 }, "421 too-many-from-address"],
  ];
  for (const [limits, refusal] of cases) {
    const listener = startListener({ ...options, ...limits }, greeting);
    const first = await connectTo(listener);
    assertEquals(await firstLine(first), "220 hello");
    const second = await connectTo(listener);
    await second.write(encodeUtf8("EHLO early\r\n"));
    assertEquals(await firstLine(second), refusal);
    assertEquals(await second.fill(), false);
    second.close();
    assertEquals(listener.connections(), { open: 1, refused: 1 });
    first.close();
    await listener.idle();
    const third = await connectTo(listener);
    assertEquals(await firstLine(third), "220 hello");
    third.close();
    await stopped(listener);
  }
});

Deno.test("startListener() refuses who isn't allowed", async () => {
  const listener = startListener({ ...options, allowFrom: parseAddressList(["192.0.2.0/24"]) }, greeting);
  const client = await connectTo(listener);
  assertEquals(await firstLine(client), "421 not-allowed");
  client.close();
  await stopped(listener);
});

Deno.test("startListener() shares its limits among its addresses", async () => {
  const listen = [...options.listen, ...options.listen];
  const listener = startListener({ ...options, listen, maxConnections: 1 }, greeting);
  const first = await connectTo(listener, 0);
  assertEquals(await firstLine(first), "220 hello");
  const second = await connectTo(listener, 1);
  assertEquals(await firstLine(second), "421 too-many");
  first.close();
  second.close();
  await stopped(listener);
});

Deno.test("startListener() shakes hands first under implicit TLS, one client not waiting for another", async () => {
  const listen = [{ address: "127.0.0.1", port: 0, tls: "implicit", certificate }] as const;
  const listener = startListener({ ...options, listen }, greeting);
  const silent = await connectTo(listener);
  const client = await connectTo(listener);
  await client.startClientTls({ serverName: "localhost", trust: { kind: "ca", pem: certificate.cert } });
  assertEquals(await firstLine(client), "220 hello");
  assertEquals(listener.connections().open, 2);
  const clear = await connectTo(listener);
  await clear.write(encodeUtf8("EHLO clear\r\n"));
  while (await clear.fill()) clear.consume(clear.buffered.length);
  clear.close();
  client.close();
  silent.close();
  await stopped(listener);
});

Deno.test("startListener() closes without a word what it refuses under implicit TLS", async () => {
  const listen = [{ address: "127.0.0.1", port: 0, tls: "implicit", certificate }] as const;
  const listener = startListener({ ...options, listen, maxConnections: 0 }, greeting);
  const client = await connectTo(listener);
  assertEquals(await client.fill(), false);
  client.close();
  await stopped(listener);
});

Deno.test("update() serves new connections anew and leaves the open ones alone", async () => {
  const listener = startListener(options, greeting);
  const old = await connectTo(listener);
  assertEquals(await firstLine(old), "220 hello");
  listener.update({ ...options, maxConnections: 2 }, {
    ...greeting,
    start: async (connection) => await connection.write(encodeUtf8("220 new\r\n")),
  });
  const next = await connectTo(listener);
  assertEquals(await firstLine(next), "220 new");
  assertEquals(listener.connections().open >= 1, true);
  old.close();
  next.close();
  const elsewhere = { ...options, listen: [{ address: "127.0.0.2", port: 0, tls: "none" }] } as const;
  assertThrows(() => listener.update(elsewhere, greeting), Error, "other addresses");
  await stopped(listener);
});

Deno.test("stop() gives the port free and lets sessions go on; closeAll() ends them", async () => {
  const listener = startListener(options, greeting);
  const client = await connectTo(listener);
  assertEquals(await firstLine(client), "220 hello");
  await Promise.all([listener.stop(), listener.stop()]);
  const { port } = listener.addresses[0] ?? { port: 0 };
  Deno.listen({ hostname: "127.0.0.1", port }).close();
  assertEquals(listener.connections().open, 1);
  listener.closeAll();
  assertEquals(await client.fill(), false);
  await listener.idle();
  client.close();
});

Deno.test("startListener() on :: takes IPv4 too, and says so in IPv4", async () => {
  const seen: string[] = [];
  const listener = startListener({ ...options, listen: [{ address: "::", port: 0, tls: "none" }] }, {
    ...greeting,
    start: (connection) => {
      seen.push(connection.remote.address);
      return Promise.resolve();
    },
  });
  const { port } = listener.addresses[0] ?? { port: 0 };
  for (const hostname of ["127.0.0.1", "::1"]) {
    const client = new TcpConnection(await Deno.connect({ hostname, port }));
    assertEquals(await client.fill(), false);
    client.close();
  }
  assertEquals(seen, ["127.0.0.1", "::1"]);
  await stopped(listener);
});

Deno.test("startListener() listens on all addresses or on none", () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const freePort = free.addr.port;
  free.close();
  const listen = [freePort, taken.addr.port].map((port) => ({ address: "127.0.0.1", port, tls: "none" } as const));
  const error = assertThrows(() => startListener({ ...options, listen }, greeting), MailteeError);
  assertEquals(error.code, "busy");
  assertStringIncludes(error.message, `cannot listen on 127.0.0.1:${taken.addr.port}: the port is in use`);
  assertStringIncludes(error.hint ?? "", "choose another port");
  Deno.listen({ hostname: "127.0.0.1", port: freePort }).close();
  taken.close();
});

Deno.test("startListener() says that an address isn't this machine's", () => {
  const listen = [{ address: "192.0.2.1", port: 0, tls: "none" }] as const;
  const error = assertThrows(() => startListener({ ...options, listen }, greeting), MailteeError);
  assertEquals(error.code, "config");
  assertStringIncludes(error.message, "no network interface of this machine has that address");
});

Deno.test("listenError() knows what a refused port needs", () => {
  const denied = Object.assign(new Deno.errors.PermissionDenied("Permission denied (os error 13)"), { code: "EACCES" });
  const low = listenError(denied, { address: "0.0.0.0", port: 25 });
  assertEquals([low.code, low.message], ["config", "cannot listen on 0.0.0.0:25: permission denied"]);
  assertStringIncludes(low.hint ?? "", "CAP_NET_BIND_SERVICE");
  assert(!listenError(denied, { address: "0.0.0.0", port: 2525 }).hint?.includes("CAP_NET_BIND_SERVICE"));
  const busy = Object.assign(new Deno.errors.AddrInUse("in use"), { code: "EADDRINUSE" });
  assertMatch(listenError(busy, { address: "0.0.0.0", port: 25 }).hint ?? "", /takes IPv4 as well/);
});

Deno.test("acceptLoop() doesn't pause for clients that gave up before they were accepted", async () => {
  const stop = new AbortController();
  const gone = [new Deno.errors.NotConnected(), new Deno.errors.ConnectionAborted(), new Deno.errors.ConnectionReset()];
  const [peer, tcp] = await rawPair();
  let pauses = 0;
  const acceptor: Acceptor = {
    addr: { transport: "tcp", hostname: "127.0.0.1", port: 25 },
    accept: () => {
      const error = gone.shift();
      return error === undefined ? Promise.resolve(tcp) : Promise.reject(error);
    },
  };
  const clock: Clock = {
    now: () => 0,
    monotonicMs: () => 0,
    sleep: () => {
      pauses++;
      return Promise.resolve();
    },
  };
  await acceptLoop(acceptor, { clock, signal: stop.signal }, () => stop.abort());
  assertEquals([gone.length, pauses], [0, 0]);
  peer.close();
  tcp.close();
});

Deno.test("acceptLoop() goes on when the system has no file descriptors left, with longer and longer pauses", async () => {
  const [peer, tcp] = await rawPair();
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonicMs: () => 0,
    sleep: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  };
  const stop = new AbortController();
  let accepts = 0;
  const acceptor: Acceptor = {
    addr: { transport: "tcp", hostname: "127.0.0.1", port: 25 },
    accept: () =>
      ++accepts === 9 ? Promise.resolve(tcp) : Promise.reject(new Error("Too many open files (os error 24)")),
  };
  await acceptLoop(acceptor, { clock, signal: stop.signal }, (accepted) => {
    assertEquals(accepted, tcp);
    stop.abort();
  });
  assertEquals(pauses, [50, 100, 200, 400, 500, 500, 500, 500]);
  peer.close();
  tcp.close();
});
