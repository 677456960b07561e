/** Random PROXY headers at a listener: who the client is, by the program and by a book of its own, at every split. */

import { assertEquals } from "@std/assert";
import { hasCode } from "../../src/base/errors.ts";
import { introduceClient } from "../../src/net/client_introduction.ts";
import { takeProxyHeader } from "../../src/net/proxy_header.ts";
import { bytesOf, textOf } from "../unit/pop3/memory_connection.ts";
import { proxyHeaderText } from "./proxy_header_input.ts";
import { octetsOf, readProxyHeader } from "./proxy_header_reading.ts";
import { Random } from "./random.ts";
import { ClientConnection, type SessionTally } from "./wire.ts";

const LOAD_BALANCER = { address: "127.0.0.1", port: 1 };
const BEHIND = ["", "", "EHLO x\r\n", "\r\n", "\x16\x03\x01", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"] as const;
const DEADLINE_MS = 1000;
const HEADERS = 10;

/** Reads the headers of this seed; throws, with the seed, where both readings differ. */
export async function fuzzProxyHeader(seed: number, take = takeProxyHeader): Promise<SessionTally> {
  const random = new Random(seed);
  for (let count = HEADERS; count > 0; count--) {
    const text = proxyHeaderText(random) + random.of(BEHIND);
    try {
      for (let length = 0; length <= text.length; length++) assertReadAlike(text.slice(0, length), take);
      await assertIntroduced(text, random);
    } catch (error) {
      throw new Error(`PROXY header, seed ${seed}: ${JSON.stringify(text)}`, { cause: error });
    }
  }
  return { inputs: HEADERS, mails: 0 };
}

/** As far as it has come. */
function assertReadAlike(text: string, take: typeof takeProxyHeader): void {
  const scan = take(bytesOf(text));
  const read = readProxyHeader(text);
  assertEquals(scan.kind, read.kind, `the first ${text.length} octets`);
  if (scan.kind !== "header" || read.kind !== "header") return;
  assertEquals(scan.consumed, text.length - read.rest.length, "its length");
  assertEquals(scan.client === null ? null : octetsOf(scan.client.address), read.client?.ip ?? null);
  assertEquals(scan.client?.port, read.client?.port);
}

/** In pieces over a connection, which ends behind it. */
async function assertIntroduced(text: string, random: Random): Promise<void> {
  const connection = new ClientConnection(LOAD_BALANCER);
  connection.send(...random.cut(text).map(bytesOf));
  connection.sendEnd();
  const problem = await introduceClient(connection, DEADLINE_MS).then(() => null, (error: unknown) => error);
  const read = readProxyHeader(text);
  const { remote } = connection;
  switch (read.kind) {
    case "more":
      assertEquals([hasCode(problem, "connection-lost"), remote], [true, LOAD_BALANCER]);
      break;
    case "malformed":
      assertEquals([hasCode(problem, "protocol"), remote], [true, LOAD_BALANCER]);
      break;
    case "header":
      assertEquals([problem, octetsOf(remote.address)], [null, read.client?.ip ?? octetsOf(LOAD_BALANCER.address)]);
      assertEquals(connection.deadlineMs, null, "its time limit is over");
      while (await connection.fill());
      assertEquals(textOf(connection.buffered), read.rest, "what comes behind it");
  }
}
