import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { describeCertificate } from "../../../src/net/certificate_description.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import type { TlsTrust } from "../../../src/net/types.ts";
import { issueCertificate } from "./issue_certificate.ts";
import { randomBytes, randomSource } from "./random.ts";
import { connectionAndPeer, connectionAndResettingPeer, nextTurn, rawPair, readExactly, reset } from "./sockets.ts";
import { authority, certificate, closeAll, pair, rejection, tlsPair, trusting } from "./tls_peers.ts";

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
