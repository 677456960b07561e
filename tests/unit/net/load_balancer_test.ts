import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { parseAddressList } from "../../../src/net/address_list.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { type Listener, type ListenerOptions, type Sessions, startListener } from "../../../src/net/listener.ts";
import type { TlsMode } from "../../../src/net/types.ts";
import { readExactly, take } from "./sockets.ts";
import { certificate, trusting } from "./tls_peers.ts";

const HEADER = "PROXY TCP4 192.0.2.7 198.51.100.1 56581 25\r\n";
const OTHER_CLIENT = "PROXY TCP4 192.0.2.8 198.51.100.1 56581 25\r\n";

/** Says who the client is, then what it says. */
const naming: Sessions = {
  async start(connection) {
    const { address, port } = connection.remote;
    await connection.write(encodeUtf8(`220 ${address} ${port}\r\n`));
    while (connection.buffered.length > 0 || await connection.fill()) {
      await connection.write(connection.buffered.slice());
      connection.consume(connection.buffered.length);
    }
  },
  async refuse(connection, reason) {
    await connection.write(encodeUtf8(`421 ${reason} ${connection.remote.address}\r\n`));
  },
};

/** Runs a listener for which this machine is a load balancer. */
async function withListener(
  changes: Partial<ListenerOptions> & { readonly tls?: TlsMode; readonly balancers?: readonly string[] },
  test: (listener: Listener, connect: () => Promise<TcpConnection>) => Promise<void>,
): Promise<void> {
  const { tls = "none", balancers = ["127.0.0.1"], ...rules } = changes;
  const loadBalancers = parseAddressList(balancers);
  const listener = startListener({
    listen: [{ address: "127.0.0.1", port: 0, tls, certificate, loadBalancers }],
    allowFrom: null,
    maxConnections: 10,
    maxConnectionsPerAddress: 10,
    handshakeTimeoutMs: 60_000,
    ...rules,
  }, naming);
  const clients: TcpConnection[] = [];
  try {
    await test(listener, async () => {
      const port = listener.addresses[0]?.port ?? 0;
      const client = new TcpConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
      clients.push(client);
      return client;
    });
  } finally {
    for (const client of clients) client.close();
    await listener.stop();
    listener.closeAll();
    await listener.idle();
  }
}

/** All that comes until the end. */
async function rest(connection: TcpConnection): Promise<string> {
  while (await connection.fill());
  return take(connection);
}

Deno.test("startListener() serves the client whom a load balancer names, at every split of the header", () =>
  withListener({}, async (_listener, connect) => {
    const bytes = encodeUtf8(`${HEADER}NOOP\r\n`);
    for (let split = 0; split < bytes.length; split += 3) {
      const client = await connect();
      await client.write(bytes.subarray(0, split));
      await client.write(bytes.subarray(split));
      const expected = "220 192.0.2.7 56581\r\nNOOP\r\n";
      assertEquals(await readExactly(client, expected.length), expected);
      client.close();
    }
  }));

Deno.test("startListener() takes the header before the handshake of implicit TLS, and what came along with it", () =>
  withListener({ tls: "implicit" }, async (_listener, connect) => {
    const port = (await connect()).remote.port;
    using front = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const client = new TcpConnection(await Deno.connect({ hostname: "127.0.0.1", port: front.addr.port }));
    const [inside, outside] = await Promise.all([
      Deno.connect({ hostname: "127.0.0.1", port }),
      front.accept(),
    ]);
    const handshake = client.startClientTls(trusting);
    const hello = new Uint8Array(4096);
    const count = await outside.read(hello) ?? 0;
    await inside.write(new Uint8Array([...encodeUtf8(HEADER), ...hello.subarray(0, count)]));
    const pipes = [
      outside.readable.pipeTo(inside.writable).catch(() => {}),
      inside.readable.pipeTo(outside.writable).catch(() => {}),
    ];
    await handshake;
    assertEquals(await readExactly(client, 21), "220 192.0.2.7 56581\r\n");
    client.close();
    await Promise.all(pipes);
  }));

Deno.test("startListener() holds the client whom a load balancer names to allowFrom and to the limits", () =>
  withListener(
    { allowFrom: parseAddressList(["192.0.2.0/24"]), maxConnectionsPerAddress: 1 },
    async (listener, connect) => {
      const cases: [header: string, answer: string][] = [
        [HEADER, "220 192.0.2.7 56581\r\n"],
        [HEADER, "421 too-many-from-address 192.0.2.7\r\n"],
        [OTHER_CLIENT, "220 192.0.2.8 56581\r\n"],
        ["PROXY TCP4 203.0.113.9 198.51.100.1 1 25\r\n", "421 not-allowed 203.0.113.9\r\n"],
        ["PROXY UNKNOWN\r\n", "421 not-allowed 127.0.0.1\r\n"],
      ];
      for (const [header, answer] of cases) {
        const client = await connect();
        await client.write(encodeUtf8(header));
        assertEquals(await readExactly(client, answer.length), answer);
      }
      assertEquals(listener.connections(), { open: 2, refused: 3 });
    },
  ));

Deno.test("startListener() closes a load balancer's connection without a header", () =>
  withListener({}, async (listener, connect) => {
    for (const bytes of ["EHLO client.example\r\n", "PROXY TCP4 nobody\r\n", "\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0"]) {
      const client = await connect();
      await client.write(encodeUtf8(bytes));
      assertEquals(await rest(client).catch(() => ""), "");
    }
    const gone = await connect();
    await gone.write(encodeUtf8("PROXY "));
    await gone.closeWrite();
    assertEquals(await rest(gone).catch(() => ""), "");
    assertEquals(listener.connections(), { open: 0, refused: 4 });
  }));

Deno.test("startListener() gives a header only so much time", () =>
  withListener({ handshakeTimeoutMs: 1 }, async (listener, connect) => {
    const client = await connect();
    await client.write(encodeUtf8("PROXY "));
    assertEquals(await rest(client), "");
    assertEquals(listener.connections(), { open: 0, refused: 1 });
  }));

Deno.test("startListener() bounds the connections that wait for a header", () =>
  withListener({ maxConnections: 1 }, async (_listener, connect) => {
    const first = await connect();
    await first.write(encodeUtf8("PROXY "));
    await (await connect()).write(encodeUtf8(HEADER));
    await first.write(encodeUtf8(HEADER.slice("PROXY ".length)));
    assertStringIncludes(await readExactly(first, 21), "220 192.0.2.7");
  }));

Deno.test("startListener() takes no header from others", () =>
  withListener({ balancers: ["192.0.2.99"] }, async (_listener, connect) => {
    const client = await connect();
    await client.write(encodeUtf8(HEADER));
    const answer = `220 127.0.0.1 ${client.local.port}\r\n${HEADER}`;
    assertEquals(await readExactly(client, answer.length), answer);
  }));
