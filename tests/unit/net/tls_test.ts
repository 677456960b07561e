import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { randomBytes, randomSource } from "./random.ts";
import {
  checksum,
  connectionAndPeer,
  nextTurn,
  rawPair,
  readExactly,
  readToEnd,
  take,
  TestDeadlines,
} from "./sockets.ts";
import { certificate, closeAll, pair, rejection, tlsPair, trusting } from "./tls_peers.ts";

/** Counts what is read from a socket. */
function countReads(tcp: Deno.TcpConn): { bytes: number } {
  const reads = { bytes: 0 };
  const read = tcp.read.bind(tcp);
  tcp.read = async (into) => {
    const count = await read(into);
    reads.bytes += count ?? 0;
    return count;
  };
  return reads;
}

Deno.test("startServerTls() and startClientTls() go on after words in clear text", async () => {
  const [client, server] = await pair();
  await server.write(encodeUtf8("220 ready\r\n"));
  assertEquals(await readExactly(client, 11), "220 ready\r\n");
  await client.write(encodeUtf8("STARTTLS\r\n"));
  assertEquals(await readExactly(server, 10), "STARTTLS\r\n");
  assertEquals([client.tls, server.tls], [null, null]);
  const discarded = await Promise.all([client.startClientTls(trusting), server.startServerTls(certificate)]);
  assertEquals(discarded, [0, 0]);
  assertEquals(client.tls, { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" });
  assertEquals(server.tls, client.tls);
  await client.write(encodeUtf8("EHLO client\r\n"));
  assertEquals(await readExactly(server, 13), "EHLO client\r\n");
  await server.write(encodeUtf8("250 server\r\n"));
  assertEquals(await readExactly(client, 12), "250 server\r\n");
  closeAll(client, server);
});

Deno.test("startServerTls() throws away commands that came with STARTTLS, and counts them", async () => {
  const [client, server] = await pair();
  await client.write(encodeUtf8("STARTTLS\r\nMAIL FROM:<mallory@example.org>\r\n"));
  await server.fill();
  server.consume("STARTTLS\r\n".length);
  const [discarded] = await Promise.all([server.startServerTls(certificate), client.startClientTls(trusting)]);
  assertEquals([discarded, server.buffered.length], [33, 0]);
  await client.write(encodeUtf8("EHLO client\r\n"));
  await server.fill();
  assertEquals(take(server), "EHLO client\r\n");
  closeAll(client, server);
});

Deno.test("startClientTls() throws away replies that came with the answer to STARTTLS, and counts them", async () => {
  const [client, server] = await pair();
  await server.write(encodeUtf8("220 go\r\n250 AUTH PLAIN\r\n"));
  await client.fill();
  client.consume("220 go\r\n".length);
  const [discarded] = await Promise.all([client.startClientTls(trusting), server.startServerTls(certificate)]);
  assertEquals([discarded, client.buffered.length], [16, 0]);
  await server.write(encodeUtf8("250 later\r\n"));
  await client.fill();
  assertEquals(take(client), "250 later\r\n");
  closeAll(client, server);
});

Deno.test("startServerTls() throws away what came after a fill had timed out", async () => {
  const [rawClient, rawServer] = await rawPair();
  const reads = countReads(rawServer);
  const deadlines = new TestDeadlines();
  const [client, server] = [new TcpConnection(rawClient), new TcpConnection(rawServer, { deadlines })];
  server.setDeadline(1);
  const filling = server.fill();
  deadlines.pass(1);
  await rejection(filling);
  await client.write(encodeUtf8("injected"));
  await assertRejects(() => server.startServerTls(certificate), Error, "a read");
  while (reads.bytes < 8) await nextTurn();
  server.setDeadline(null);
  const [discarded] = await Promise.all([server.startServerTls(certificate), client.startClientTls(trusting)]);
  assertEquals([discarded, server.buffered.length], [8, 0]);
  await client.write(encodeUtf8("EHLO client\r\n"));
  await server.fill();
  assertEquals(take(server), "EHLO client\r\n");
  closeAll(client, server);
});

Deno.test("startServerTls() lets no more injected text than one read pass for thrown away: the rest ends it", async () => {
  const [client, server] = await pair();
  await client.write(encodeUtf8("STARTTLS\r\n" + "NOOP\r\n".repeat(2000)));
  await server.fill();
  server.consume("STARTTLS\r\n".length);
  const clientSide = rejection(client.startClientTls(trusting));
  const error = await rejection(server.startServerTls(certificate));
  assertEquals(error.code, "tls");
  server.close();
  await clientSide;
  assertEquals(server.tls, null);
  client.close();
});

Deno.test("a large mail passes TLS whole, both ways at once", async () => {
  const [client, server] = await tlsPair();
  const [up, down] = [randomBytes(randomSource(1), 400_000), randomBytes(randomSource(2), 300_001)];
  const send = async (from: TcpConnection, bytes: Uint8Array) => {
    from.setReadSize(65_536);
    await from.write(bytes);
    await from.closeWrite();
  };
  const [, , received, returned] = await Promise.all([
    send(client, up),
    send(server, down),
    readToEnd(server),
    readToEnd(client),
  ]);
  assertEquals([received, returned], [checksum(up), checksum(down)]);
  closeAll(client, server);
});

Deno.test("closeWrite() under TLS ends one direction only", async () => {
  const [client, server] = await tlsPair();
  await client.write(encodeUtf8("QUIT\r\n"));
  await client.closeWrite();
  assertEquals(await readExactly(server, 100), "QUIT\r\n");
  await server.write(encodeUtf8("221 bye\r\n"));
  assertEquals(await readExactly(client, 9), "221 bye\r\n");
  closeAll(client, server);
});

Deno.test("TLS that ends without close_notify ends the stream", async () => {
  const [rawClient, rawServer] = await rawPair();
  const [client, server] = [new TcpConnection(rawClient), new TcpConnection(rawServer)];
  await Promise.all([client.startClientTls(trusting), server.startServerTls(certificate)]);
  await client.write(encodeUtf8("QUIT\r\n"));
  assertEquals(await readExactly(server, 6), "QUIT\r\n");
  rawClient.close();
  assertEquals(await server.fill().catch((error) => error.code), false);
  closeAll(client, server);
});

Deno.test("TLS gives the peer's last words after a write has failed", async () => {
  const [rawClient, rawServer] = await rawPair();
  const [client, server] = [new TcpConnection(rawClient), new TcpConnection(rawServer)];
  await Promise.all([client.startClientTls(trusting), server.startServerTls(certificate)]);
  await server.write(encodeUtf8("552 too much mail\r\n"));
  rawClient.write = () => Promise.reject(new Deno.errors.BrokenPipe("Broken pipe (os error 32)"));
  for (let round = 0; round < 2; round++) {
    assertEquals((await rejection(client.write(encodeUtf8("more")))).code, "connection-lost");
  }
  assertEquals(await readExactly(client, 19), "552 too much mail\r\n");
  await server.closeWrite();
  closeAll(client, server);
});

Deno.test("TLS reads nothing while nobody fills, and a writer waits", async () => {
  const [rawClient, rawServer] = await rawPair();
  const reads = countReads(rawServer);
  const [client, server] = [new TcpConnection(rawClient), new TcpConnection(rawServer)];
  await Promise.all([client.startClientTls(trusting), server.startServerTls(certificate)]);
  const shaken = reads.bytes;
  const mail = new Uint8Array(24 * 1024 * 1024);
  const writing = client.write(mail).then(() => client.closeWrite());
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assert(reads.bytes - shaken <= 4096, `${reads.bytes - shaken} bytes were read`);
  server.setReadSize(65_536);
  let [length, largest] = [0, 0];
  while (await server.fill()) {
    largest = Math.max(largest, server.buffered.length);
    length += server.buffered.length;
    server.consume(server.buffered.length);
  }
  await writing;
  assertEquals(length, mail.length);
  assert(largest <= 4 * 65_536, `${largest} bytes at once`);
  closeAll(client, server);
});

Deno.test("a fill under TLS that timed out loses nothing", async () => {
  using ends = await connectionAndPeer();
  const { connection, deadlines } = ends;
  const client = new TcpConnection(ends.peer);
  await Promise.all([client.startClientTls(trusting), connection.startServerTls(certificate)]);
  connection.setDeadline(1000);
  const filling = connection.fill();
  deadlines.pass(1000);
  assertEquals((await rejection(filling)).code, "timeout");
  await connection.write(encodeUtf8("421\r\n"));
  assertEquals(await readExactly(client, 5), "421\r\n");
  await client.write(encodeUtf8("late\r\n"));
  await nextTurn();
  connection.setDeadline(1000);
  assertEquals(await readExactly(connection, 6), "late\r\n");
  client.close();
});
