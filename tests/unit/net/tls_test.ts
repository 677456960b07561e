import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { describeCertificate } from "../../../src/net/certificate_description.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import type { ClientTlsOptions, TlsTrust } from "../../../src/net/types.ts";
import { issueCertificate } from "./issue_certificate.ts";
import { randomBytes, randomSource } from "./random.ts";
import {
  checksum,
  connectionAndPeer,
  connectionAndResettingPeer,
  nextTurn,
  rawPair,
  readExactly,
  readToEnd,
  reset,
  take,
  TestDeadlines,
} from "./sockets.ts";

const authority = await issueCertificate({ names: ["test authority"], ca: true });
const certificate = await issueCertificate({ names: ["localhost", "127.0.0.1"], issuer: authority });
const trusting: ClientTlsOptions = { serverName: "localhost", trust: { kind: "ca", pem: authority.cert } };

/** Two connections, both under test: [client, server]. */
async function pair(): Promise<[TcpConnection, TcpConnection]> {
  const [client, server] = await rawPair();
  return [new TcpConnection(client), new TcpConnection(server)];
}

async function tlsPair(): Promise<[TcpConnection, TcpConnection]> {
  const [client, server] = await pair();
  await Promise.all([client.startClientTls(trusting), server.startServerTls(certificate)]);
  return [client, server];
}

function closeAll(...connections: TcpConnection[]): void {
  for (const connection of connections) connection.close();
}

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

async function rejection(promise: Promise<unknown>): Promise<MailteeError> {
  return await assertRejects(() => promise, MailteeError);
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

Deno.test("startClientTls() trusts whom it is told to trust, and says why not", async () => {
  const selfSigned = await issueCertificate({ names: ["localhost"] });
  const expired = await issueCertificate({
    names: ["localhost"],
    issuer: authority,
    validFrom: new Date("2020-01-01"),
    validTo: new Date("2021-01-01"),
  });
  const { sha256 } = describeCertificate(selfSigned.cert);
  const ca: TlsTrust = { kind: "ca", pem: authority.cert };
  const cases: [name: string, server: typeof selfSigned, serverName: string, trust: TlsTrust, outcome: string][] = [
    ["CA", certificate, "localhost", ca, ""],
    ["CA, address", certificate, "127.0.0.1", ca, ""],
    ["CA, trailing dot", certificate, "localhost.", ca, ""],
    ["CA, other name", certificate, "mail.example.org", ca, "is for other names: localhost, 127.0.0.1"],
    ["CA, other address", certificate, "127.0.0.2", ca, "is for other names: localhost, 127.0.0.1"],
    ["CA, expired", expired, "localhost", ca, "has expired on 2021-01-01"],
    ["CA, signed by another", selfSigned, "localhost", ca, "not trusted: it "],
    ["the certificate itself as CA", selfSigned, "localhost", { kind: "ca", pem: selfSigned.cert }, ""],
    ["system", certificate, "localhost", { kind: "system" }, "signed by an authority that isn't trusted here"],
    ["system, self-signed", selfSigned, "localhost", { kind: "system" }, "it is self-signed"],
    ["fingerprint", selfSigned, "other.example", { kind: "fingerprint", sha256 }, ""],
    [
      "fingerprint, expired",
      expired,
      "x",
      { kind: "fingerprint", sha256: describeCertificate(expired.cert).sha256 },
      "",
    ],
    ["fingerprint of another", certificate, "localhost", { kind: "fingerprint", sha256 }, "another certificate"],
    ["insecure", expired, "other.example", { kind: "insecure" }, ""],
  ];
  for (const [name, serverCertificate, serverName, trust, outcome] of cases) {
    const [client, server] = await pair();
    const serverSide = server.startServerTls(serverCertificate).catch((error) => error);
    const error = await client.startClientTls({ serverName, trust }).then(() => null, (reason) => reason);
    if (outcome === "") {
      assertEquals(error, null, name);
      await serverSide;
    } else {
      assert(error instanceof MailteeError, name);
      assertEquals(error.code, "tls", name);
      assertStringIncludes(error.message, outcome, name);
      assertStringIncludes(error.hint ?? "", describeCertificate(serverCertificate.cert).sha256, name);
    }
    closeAll(client, server);
    await serverSide;
  }
});

Deno.test("peerCertificate is what the server showed", async () => {
  const [client, server] = await tlsPair();
  assertEquals(describeCertificate(client.peerCertificate ?? new Uint8Array()).names, ["localhost", "127.0.0.1"]);
  assertEquals(server.peerCertificate, null);
  closeAll(client, server);
});

Deno.test("startServerTls() takes clear text for what it is", async () => {
  using ends = await connectionAndPeer();
  await ends.peer.write(encodeUtf8("EHLO client.example\r\n"));
  const error = await rejection(ends.connection.startServerTls(certificate));
  assertEquals(error.code, "tls");
  assertStringIncludes(error.message, "doesn't speak TLS");
  assertStringIncludes(error.hint ?? "", "starttls");
});

Deno.test("startClientTls() takes a greeting in clear text for what it is", async () => {
  using ends = await connectionAndPeer();
  await ends.peer.write(encodeUtf8("220 mail.example.org ESMTP\r\n"));
  const error = await rejection(ends.connection.startClientTls(trusting));
  assertEquals(error.code, "tls");
  assertStringIncludes(error.message, "doesn't speak TLS");
  assertStringIncludes(error.hint ?? "", 'tls to "starttls"');
});

Deno.test("a handshake survives any garbage as an error", async () => {
  const random = randomSource(11);
  for (let round = 0; round < 60; round++) {
    using ends = await connectionAndPeer();
    const garbage = randomBytes(random, 1 + Math.floor(random() * 400));
    // Half of it begins like a record of the handshake.
    if (round % 2 === 0) garbage.set([22, 3, 1, 0, garbage.length & 0xff].slice(0, garbage.length));
    const handshake = round % 3 === 0
      ? ends.connection.startClientTls(trusting)
      : ends.connection.startServerTls(certificate);
    const failing = rejection(handshake);
    await ends.peer.write(garbage);
    await ends.peer.closeWrite();
    assertMatch((await failing).code, /^(tls|connection-lost)$/);
  }
});

Deno.test("a handshake that the peer resets or leaves is connection-lost", async () => {
  for (const role of ["client", "server"] as const) {
    const start = (connection: TcpConnection) =>
      role === "client" ? connection.startClientTls(trusting) : connection.startServerTls(certificate);
    const { connection, peer } = await connectionAndResettingPeer();
    const failing = rejection(start(connection));
    await reset(peer);
    assertEquals((await failing).code, "connection-lost");

    using ends = await connectionAndPeer();
    const left = rejection(start(ends.connection));
    ends.peer.close();
    assertEquals((await left).code, "connection-lost");
  }
});

Deno.test("a handshake with a silent peer times out at the deadline, and closes", async () => {
  for (const role of ["client", "server"] as const) {
    using ends = await connectionAndPeer();
    const { connection, deadlines, peer } = ends;
    connection.setDeadline(5000);
    const failing = rejection(
      role === "client" ? connection.startClientTls(trusting) : connection.startServerTls(certificate),
    );
    await nextTurn();
    deadlines.pass(5000);
    assertEquals((await failing).code, "timeout");
    while (await peer.read(new Uint8Array(1000)) !== null);
    assertEquals(deadlines.running, false);
  }
});

Deno.test("close() in the middle of a handshake is connection-lost", async () => {
  using ends = await connectionAndPeer();
  const failing = rejection(ends.connection.startServerTls(certificate));
  await nextTurn();
  ends.connection.close();
  assertEquals((await failing).code, "connection-lost");
});

Deno.test("nothing is written or read in clear while a handshake is under way", async () => {
  using ends = await connectionAndPeer();
  const failing = rejection(ends.connection.startServerTls(certificate));
  await assertRejects(() => ends.connection.write(encodeUtf8("secret")), Error, "handshake");
  await assertRejects(() => ends.connection.fill(), Error, "handshake");
  ends.connection.close();
  await failing;
});

Deno.test("startServerTls() refuses a certificate and key that can't be used", async () => {
  using ends = await connectionAndPeer();
  const error = await rejection(ends.connection.startServerTls({ cert: certificate.cert, key: authority.key }));
  assertEquals(error.code, "tls");
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

/** Carries bytes between two sockets one at a time, until both directions have ended or broken off. */
async function trickle(one: Deno.TcpConn, other: Deno.TcpConn): Promise<void> {
  const direction = async (from: Deno.TcpConn, to: Deno.TcpConn) => {
    const byte = new Uint8Array(1);
    while (await from.read(byte) !== null) await to.write(byte);
  };
  await Promise.allSettled([direction(one, other), direction(other, one)]);
  one.close();
  other.close();
}

Deno.test("TLS works one byte at a time", async () => {
  const [[client, left], [right, server]] = await Promise.all([rawPair(), rawPair()]);
  const carrying = trickle(left, right);
  const [from, to] = [new TcpConnection(client), new TcpConnection(server)];
  await Promise.all([from.startClientTls(trusting), to.startServerTls(certificate)]);
  await from.write(encodeUtf8("EHLO slow\r\n"));
  assertEquals(await readExactly(to, 11), "EHLO slow\r\n");
  closeAll(from, to);
  await carrying;
});

Deno.test("200 handshakes at once", async () => {
  const all = await Promise.all(Array.from({ length: 200 }, tlsPair));
  await Promise.all(all.map(async ([client, server], index) => {
    await client.write(encodeUtf8(`${index}\r\n`));
    assertEquals(await readExactly(server, `${index}\r\n`.length), `${index}\r\n`);
    closeAll(client, server);
  }));
});
