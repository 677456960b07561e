import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { closeAfterLastWords } from "../../../src/net/farewell.ts";
import { connectionAndPeer, nextTurn } from "./sockets.ts";

Deno.test("closeAfterLastWords() lets the last reply arrive although the peer has sent more", async () => {
  using ends = await connectionAndPeer();
  const { connection, peer } = ends;
  await peer.write(new Uint8Array(50_000));
  await connection.write(encodeUtf8("554 go away\r\n"));
  const closing = closeAfterLastWords(connection, 1000);
  const reply = new Uint8Array(100);
  assertEquals(await peer.read(reply), 13);
  assertEquals(await peer.read(reply), null);
  peer.close();
  await closing;
  assertEquals(await connection.fill().catch((error) => error.code), "connection-lost");
});

Deno.test("closeAfterLastWords() doesn't wait longer than it may", async () => {
  using ends = await connectionAndPeer();
  const { connection, peer, deadlines } = ends;
  let closed = false;
  const closing = closeAfterLastWords(connection, 1000).then(() => closed = true);
  assertEquals(await peer.read(new Uint8Array(1)), null);
  await peer.write(encodeUtf8("still here"));
  deadlines.pass(999);
  await nextTurn();
  assertEquals(closed, false);
  deadlines.pass(1);
  await closing;
  assertEquals(deadlines.running, false);
});

Deno.test("closeAfterLastWords() doesn't read without end", async () => {
  using ends = await connectionAndPeer();
  const { connection, peer } = ends;
  const flooding = (async () => {
    for (;;) await peer.write(new Uint8Array(65_536));
  })().catch(() => "ended");
  await closeAfterLastWords(connection, 1000);
  assertEquals(await flooding, "ended");
});
