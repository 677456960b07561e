import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { concatBytes, encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
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
} from "./sockets.ts";

/** More than the system takes for a peer that doesn't read. */
const MORE_THAN_SYSTEM_BUFFERS = 32 * 1024 * 1024;

async function rejectionCode(promise: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => promise, MailteeError);
  return error.code;
}

Deno.test("fill() adds what came to what isn't consumed", async () => {
  using pair = await connectionAndPeer();
  const { connection, peer } = pair;
  await peer.write(encodeUtf8("abc"));
  assertEquals(await connection.fill(), true);
  connection.consume(2);
  await peer.write(encodeUtf8("de"));
  assertEquals(await connection.fill(), true);
  assertEquals(take(connection), "cde");
});

Deno.test("fill() gives one and the same promise while it is under way", async () => {
  using pair = await connectionAndPeer();
  const first = pair.connection.fill();
  assertStrictEquals(pair.connection.fill(), first);
  await pair.peer.write(encodeUtf8("a"));
  assertEquals(await first, true);
});

Deno.test("fill() puts bytes that come one at a time together", async () => {
  using pair = await connectionAndPeer();
  const text = "EHLO client.example\r\n".repeat(5);
  const reading = readExactly(pair.connection, text.length);
  for (const byte of encodeUtf8(text)) await pair.peer.write(Uint8Array.of(byte));
  assertEquals(await reading, text);
});

Deno.test("fill() gives false at the peer's end, and the connection can still write", async () => {
  using pair = await connectionAndPeer();
  const { connection, peer } = pair;
  await peer.write(encodeUtf8("last"));
  await peer.closeWrite();
  assertEquals(await readExactly(connection, 10), "last");
  assertEquals([await connection.fill(), await connection.fill()], [false, false]);
  await connection.write(encodeUtf8("221"));
  const reply = new Uint8Array(10);
  assertEquals(await peer.read(reply), 3);
});

Deno.test("fill() rejects with connection-lost when the peer resets", async () => {
  const { connection, peer } = await connectionAndResettingPeer();
  const filling = connection.fill();
  await reset(peer);
  assertEquals(await rejectionCode(filling), "connection-lost");
  assertEquals(await rejectionCode(connection.fill()), "connection-lost");
  connection.close();
});

Deno.test("fill() still gives the peer's last words after a write has failed", async () => {
  using pair = await connectionAndPeer();
  const { connection, peer } = pair;
  await peer.write(encodeUtf8("554 go away"));
  assertEquals(await connection.fill(), true);
  await connection.closeWrite();
  assertEquals(await rejectionCode(connection.write(encodeUtf8("x"))), "connection-lost");
  assertEquals(take(connection), "554 go away");
  await peer.write(encodeUtf8("!"));
  assertEquals(await readExactly(connection, 1), "!");
});

Deno.test("setDeadline() makes fill reject with timeout, and nothing is lost", async () => {
  using pair = await connectionAndPeer();
  const { connection, peer, deadlines } = pair;
  connection.setDeadline(1000);
  const filling = connection.fill();
  deadlines.pass(999);
  deadlines.pass(1);
  assertEquals(await rejectionCode(filling), "timeout");
  await connection.write(encodeUtf8("421"));
  assertEquals(await peer.read(new Uint8Array(10)), 3);
  await peer.write(encodeUtf8("late"));
  await nextTurn();
  connection.setDeadline(1000);
  assertEquals(await connection.fill(), true);
  await peer.write(encodeUtf8("r"));
  assertEquals(await readExactly(connection, 5), "later");
});

Deno.test("setDeadline() can be moved and taken away", async () => {
  using pair = await connectionAndPeer();
  const { connection, peer, deadlines } = pair;
  connection.setDeadline(1000);
  const filling = connection.fill();
  connection.setDeadline(3000);
  deadlines.pass(2000);
  connection.setDeadline(null);
  assertEquals(connection.deadline, Infinity);
  deadlines.pass(10_000);
  await peer.write(encodeUtf8("a"));
  assertEquals(await filling, true);
});

Deno.test("write() delivers concurrent writes whole and in order", async () => {
  using pair = await connectionAndPeer();
  const random = randomSource(1);
  const parts = Array.from({ length: 40 }, (_, index) => randomBytes(random, index % 3 === 0 ? 30_000 : index));
  const reader = new TcpConnection(pair.peer);
  const reading = readToEnd(reader);
  await Promise.all(parts.map((part) => pair.connection.write(part)));
  await pair.connection.closeWrite();
  assertEquals(await reading, checksum(concatBytes(parts)));
});

Deno.test("write() of nothing resolves after the writes before it", async () => {
  using pair = await connectionAndPeer();
  const order: string[] = [];
  await Promise.all([
    pair.connection.write(encodeUtf8("a")).then(() => order.push("a")),
    pair.connection.write(new Uint8Array(0)).then(() => order.push("nothing")),
  ]);
  assertEquals(order, ["a", "nothing"]);
});

Deno.test("write() to a peer that doesn't read waits, and rejects with timeout at the deadline", async () => {
  using pair = await connectionAndPeer();
  const { connection, peer, deadlines } = pair;
  connection.setDeadline(1000);
  const writing = connection.write(new Uint8Array(MORE_THAN_SYSTEM_BUFFERS));
  const queued = connection.write(encodeUtf8("after"));
  await nextTurn();
  deadlines.pass(1000);
  assertEquals([await rejectionCode(writing), await rejectionCode(queued)], ["timeout", "timeout"]);
  assertEquals(await rejectionCode(connection.write(encodeUtf8("later"))), "timeout");
  connection.close();
  peer.close();
  // Else the write, which goes on in the system, would outlive the test.
  await connection.released();
});

Deno.test("closeWrite() outlasts neither the deadline nor the connection", async () => {
  for (const end of ["deadline", "close"] as const) {
    using pair = await connectionAndPeer();
    const { connection, deadlines, tcp } = pair;
    tcp.closeWrite = () => new Promise(() => {});
    connection.setDeadline(1000);
    const ending = connection.closeWrite();
    await nextTurn();
    if (end === "deadline") deadlines.pass(1000);
    else connection.close();
    assertEquals(await rejectionCode(ending), end === "deadline" ? "timeout" : "connection-lost");
  }
});

Deno.test("close() ends whatever is under way, and leaves no deadline and no unhandled rejection", async () => {
  using pair = await connectionAndPeer();
  const { connection, deadlines } = pair;
  connection.setDeadline(1000);
  const filling = connection.fill();
  void connection.fill();
  connection.close();
  connection.close();
  assertEquals(deadlines.running, false);
  assertEquals(await rejectionCode(filling), "connection-lost");
  assertEquals(await rejectionCode(connection.fill()), "connection-lost");
  assertEquals(await rejectionCode(connection.write(encodeUtf8("a"))), "connection-lost");
  connection.setDeadline(1000);
  assertEquals(deadlines.running, false);
});

Deno.test("close() with a fill that nobody waits for is no unhandled rejection", async () => {
  using pair = await connectionAndPeer();
  void pair.connection.fill();
  pair.connection.close();
  await nextTurn();
});

Deno.test("setReadSize() bounds what one fill takes, and a large mail comes whole", async () => {
  const [client, server] = await rawPair();
  const [sender, receiver] = [new TcpConnection(client), new TcpConnection(server)];
  const mail = randomBytes(randomSource(7), 600_000);
  const sending = sender.write(mail).then(() => sender.closeWrite());
  let [length, largest, first] = [0, 0, 0];
  const received = new Uint8Array(mail.length);
  while (await receiver.fill()) {
    if (length === 0) first = receiver.buffered.length;
    largest = Math.max(largest, receiver.buffered.length);
    received.set(receiver.buffered, length);
    length += receiver.buffered.length;
    receiver.consume(receiver.buffered.length);
    receiver.setReadSize(65_536);
  }
  await sending;
  assertEquals(checksum(received), checksum(mail));
  assert(first <= 2048 && largest > 2048 && largest <= 65_536, `${first}, ${largest}`);
  sender.close();
  receiver.close();
});

Deno.test("consume() of more than is buffered is refused", async () => {
  using pair = await connectionAndPeer();
  assertThrows(() => pair.connection.consume(1), RangeError, "consume(1) of 0");
});

Deno.test("remote and local are the two ends", async () => {
  using pair = await connectionAndPeer();
  const { connection, peer } = pair;
  assertEquals(connection.remote, { address: "127.0.0.1", port: peer.localAddr.port });
  assertEquals(connection.local, { address: "127.0.0.1", port: peer.remoteAddr.port });
});
