/** While a copy is being flushed, the session reads on: what the client gets, and when, stays the same. */

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { GatedDrop } from "./gated_drop.ts";
import { textOf } from "./memory_connection.ts";
import { RelayedSession, type RelayOptions } from "./relayed_session.ts";

const NO_COPY = "-ERR [SYS/TEMP] No copy of this message can be kept now, so it isn't delivered; try again later\r\n";

/** Lets everything run that can run without further input. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

const mailOf = (number: number) => `Subject: ${number}\r\n\r\n..${"x".repeat(number)}\r\n`;
const replyOf = (number: number) => `+OK ${number}\r\n${mailOf(number)}.\r\n`;
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

interface Asked {
  readonly session: RelayedSession;
  readonly drop: GatedDrop;
}

/** A client that knows of PIPELINING and of so many UIDs. */
async function loggedIn(mails: number, options: RelayOptions = {}): Promise<Asked> {
  const drop = new GatedDrop();
  const session = new RelayedSession(options, null, drop);
  session.client.send("CAPA\r\n");
  await session.target.received("CAPA\r\n");
  session.target.send("+OK\r\nPIPELINING\r\n.\r\n");
  await session.client.received("+OK\r\nPIPELINING\r\nSTLS\r\n.\r\n");
  await session.logIn();
  await session.exchange("UIDL", `+OK\r\n${upTo(mails).map((number) => `${number} u${number}\r\n`).join("")}.\r\n`);
  return { session, drop };
}

/** The client asks for the first mails, all at once. */
async function asked(mails: number, options: RelayOptions = {}): Promise<Asked> {
  const started = await loggedIn(mails, options);
  const commands = upTo(mails).map((number) => `RETR ${number}\r\n`).join("");
  started.session.client.send(commands);
  await started.session.target.received(commands);
  return started;
}

Deno.test("Relay reads on while copies are flushed, and gives the client everything in order", async () => {
  const { session, drop } = await loggedIn(3);
  const commands = "RETR 1\r\nNOOP\r\nRETR 2\r\nTOP 1 0\r\nDELE 1\r\nRETR 9\r\nRETR 3\r\nQUIT\r\n";
  session.client.send(commands.slice(0, -"QUIT\r\n".length));
  await session.target.received("RETR 1\r\nNOOP\r\nRETR 2\r\nTOP 1 0\r\nDELE 1\r\n");
  const between = ["+OK noop\r\n", "+OK\r\nSubject: 1\r\n\r\n.\r\n+OK deleted\r\n", "-ERR none\r\n"];
  await session.target.received("RETR 9\r\nRETR 3\r\n");
  session.target.send(replyOf(1), between[0] ?? "", replyOf(2), between[1] ?? "", between[2] ?? "", replyOf(3));
  session.client.send("QUIT\r\n");
  await session.target.received("QUIT\r\n");
  session.target.send("+OK bye\r\n");
  await settle();
  assertEquals([session.client.unread, [...drop.flushing], drop.kept.length], ["", [1, 2, 3], 0]);
  drop.finishFlush(3);
  drop.finishFlush(2);
  await settle();
  assertEquals([session.client.unread, drop.keptNumbers], ["", []]);
  drop.finishFlush(1);
  session.client.sendEnd();
  await session.client.received(
    replyOf(1) + between[0] + replyOf(2) + between[1] + between[2] + replyOf(3) + "+OK bye\r\n",
  );
  assertEquals(await session.end, "quit");
  assertEquals([drop.keptNumbers, session.drop.open.size], [[1, 2, 3], 0]);
});

Deno.test("Relay gives the same whatever flush ends first and wherever the target's replies are cut", async () => {
  const replies = upTo(3).map(replyOf).join("");
  for (let offset = 1; offset < replies.length; offset++) {
    const { session, drop } = await asked(3);
    session.target.send(replies.slice(0, offset), replies.slice(offset));
    for (const number of offset % 2 === 0 ? [3, 1, 2] : [2, 3, 1]) drop.finishFlush(number);
    await session.client.received(replies);
    assertEquals(drop.kept.map(({ mail }) => textOf(mail)), upTo(3).map((number) => mailOf(number).replace("..", ".")));
    assertEquals([session.client.unread, drop.open.size], ["", 0]);
    await session.close();
  }
});

Deno.test("Relay lets a mail go that is ready though the next one's copy is still being flushed", async () => {
  const { session, drop } = await asked(2);
  session.target.send(replyOf(1) + replyOf(2));
  drop.finishFlush(1);
  await session.client.received(replyOf(1));
  await settle();
  assertEquals([session.client.unread, drop.keptNumbers], ["", [1]]);
  drop.finishFlush(2);
  await session.client.received(replyOf(2));
  await session.close();
});

Deno.test("Relay answers -ERR for a copy that fails in the middle, in its place", async () => {
  const { session, drop } = await asked(3);
  session.target.send(upTo(3).map(replyOf).join(""));
  drop.finishFlush(1);
  drop.finishFlush(3);
  await session.client.received(replyOf(1));
  await settle();
  assertEquals([session.client.unread, drop.keptNumbers], ["", [1]]);
  drop.failFlush(2);
  await session.client.received(NO_COPY + replyOf(3));
  await session.exchange("STAT", "+OK 3 9\r\n");
  assertEquals([drop.keptNumbers, drop.open.size], [[1, 3], 0]);
  await session.close();
  const { captured, undelivered } = session.counters.snapshot().mails;
  assertEquals([captured, undelivered], [2, 1]);
});

Deno.test("Relay gives nothing behind a mail that was begun and has no copy", async () => {
  const { session, drop } = await asked(3);
  session.target.send("+OK 1\r\nSubject: 1\r\n");
  await session.client.received("+OK 1\r\nSubject: 1\r\n");
  session.target.send("\r\n.\r\n" + replyOf(2) + "+OK 3\r\nSubject: 3\r\n");
  drop.finishFlush(2);
  await settle();
  assertEquals([session.client.unread, [...drop.flushing]], ["", [1]]);
  drop.failFlush(1);
  assertEquals(await session.end, "copy-failed");
  assertEquals([session.client.unread, session.client.closed, session.client.writeEnded], ["", true, false]);
  assertEquals([drop.keptNumbers, drop.open.size], [[], 0]);
});

Deno.test('Relay delivers in order without a copy where the policy is "pass"', async () => {
  const { session, drop } = await asked(3, { onCaptureFailure: "pass" });
  session.target.send(upTo(3).map(replyOf).join(""));
  drop.failFlush(2);
  drop.finishFlush(3);
  await settle();
  assertEquals(session.client.unread, "");
  drop.finishFlush(1);
  await session.client.received(upTo(3).map(replyOf).join(""));
  assertEquals(drop.keptNumbers, [1, 3]);
  await session.close();
});

Deno.test("Relay leaves no copies of mails that a lost client got nothing of", async () => {
  const { session, drop } = await asked(3);
  session.target.send(replyOf(1) + replyOf(2) + "+OK 3\r\nSubj");
  await settle();
  session.client.reset();
  drop.finishFlush(1);
  await settle();
  drop.finishFlush(2);
  assertEquals(await session.end, "client-closed");
  assertEquals([drop.keptNumbers, drop.open.size, session.target.closed], [[1], 0, true]);
});

Deno.test("Relay notices that the client is gone while it waits for the target", async () => {
  const { session, drop } = await asked(1);
  session.client.reset();
  session.target.send("+OK 1\r\nSubject: 1\r\n");
  assertEquals(await session.end, "client-closed");
  assertEquals([drop.kept.length, drop.open.size], [0, 0]);
});

Deno.test("Relay delivers what is whole where the target is lost within the next mail", async () => {
  for (const part of ["", "+O", "+OK 2\r\n", "+OK 2\r\nSubject: 2\r\n\r\n"]) {
    const { session, drop } = await asked(2);
    session.target.send(replyOf(1) + part);
    session.target.sendEnd();
    await settle();
    assertEquals(session.client.unread, "");
    drop.finishFlush(1);
    session.client.sendEnd();
    await session.client.received(
      replyOf(1) + "-ERR [SYS/TEMP] The connection to the mail server was lost; try again later\r\n",
    );
    assertEquals(await session.end, "target-closed");
    assertEquals([session.client.unread, drop.keptNumbers, drop.open.size], ["", [1], 0]);
  }
});

Deno.test("Relay cuts a listing whose target is lost, but not the mail before it", async () => {
  const { session, drop } = await asked(1);
  session.client.send("LIST\r\n");
  await session.target.received("LIST\r\n");
  session.target.send(replyOf(1) + "+OK\r\n1 20\r\n");
  session.target.sendEnd();
  await settle();
  drop.finishFlush(1);
  assertEquals(await session.end, "target-closed");
  assertEquals([session.client.unread, session.client.writeEnded], [replyOf(1) + "+OK\r\n1 20\r\n", false]);
});

Deno.test("Relay starts TLS only when all before it has gone", async () => {
  const drop = new GatedDrop();
  const session = new RelayedSession({}, null, drop);
  session.client.send("RETR 1\r\n");
  await session.target.received("RETR 1\r\n");
  session.target.send(replyOf(1));
  session.client.send("STLS\r\n");
  await settle();
  assertEquals([session.client.unread, session.client.tls], ["", null]);
  drop.finishFlush(1);
  await session.client.received(replyOf(1) + "+OK Begin TLS negotiation\r\n");
  await settle();
  assertEquals(session.client.tls === null, false);
  await session.exchange("NOOP", "+OK\r\n");
  await session.close();
});

Deno.test("Relay keeps a login behind the mail before it", async () => {
  const drop = new GatedDrop();
  const session = new RelayedSession({}, null, drop);
  session.client.send("RETR 1\r\n");
  await session.target.received("RETR 1\r\n");
  session.target.send(replyOf(1));
  session.client.send("AUTH PLAIN\r\n");
  await session.target.received("AUTH PLAIN\r\n");
  session.target.send("+ \r\n");
  await settle();
  assertEquals(session.client.unread, "");
  drop.finishFlush(1);
  await session.client.received(replyOf(1) + "+ \r\n");
  await session.exchange("AGEAYg==", "+OK\r\n");
  await session.close();
});

Deno.test("Relay has few copies being flushed at once", async () => {
  const { session, drop } = await loggedIn(40);
  session.client.send(upTo(40).map((number) => `RETR ${number}\r\n`).join(""));
  let [answered, gone] = [0, 0];
  for (let turn = 0; turn < 6; turn++) {
    await settle();
    const wanted = session.target.unread.split("\r\n").length - 1;
    while (answered < wanted) session.target.send(replyOf(++answered));
  }
  await settle();
  assertEquals([drop.flushing.size, session.client.unread], [16, ""]);
  while (gone < 40) {
    drop.finishFlush(++gone);
    await settle();
    const wanted = session.target.unread.split("\r\n").length - 1;
    while (answered < wanted) session.target.send(replyOf(++answered));
  }
  await session.client.received(upTo(40).map(replyOf).join(""));
  assertEquals([drop.kept.length, drop.open.size], [40, 0]);
  await session.close();
});

Deno.test("Relay holds back a mebibyte at most, and streams a large mail when it may go", async () => {
  const { session, drop } = await asked(2);
  const piece = `${"x".repeat(998)}\r\n`.repeat(64);
  session.target.send(replyOf(1), "+OK 2\r\n", ...Array.from({ length: 40 }, () => piece), ".\r\n");
  await settle();
  assertEquals(session.client.unread, "");
  const left = session.target.waitingPieces;
  assertGreater(left, 40 - (1024 * 1024) / piece.length - 2);
  assertLess(left, 40 - 10);
  drop.finishFlush(1);
  drop.finishFlush(2);
  await session.client.received(`${replyOf(1)}+OK 2\r\n${piece.repeat(40)}.\r\n`);
  assertLess(session.client.largestWrite, 70_000);
  await session.close();
});

Deno.test("Relay takes no more commands than it has room for answers while a mail is held back", async () => {
  const { session, drop } = await asked(1);
  session.target.send(replyOf(1));
  await settle();
  const listing = `+OK\r\n${"1 20\r\n".repeat(20_000)}.\r\n`;
  let lists = 0;
  for (let turn = 0; turn < 40; turn++) {
    session.client.send("LIST\r\n");
    await settle();
    if (session.target.unread === "") break;
    await session.target.received("LIST\r\n");
    session.target.send(listing);
    lists++;
  }
  assertLess(lists, 12);
  drop.finishFlush(1);
  await session.client.received(replyOf(1) + listing.repeat(lists));
  await session.target.received("LIST\r\n");
  session.target.sendEnd();
  session.client.sendEnd();
  assertEquals(await session.end, "target-closed");
});

Deno.test("Relay gives out at a stop what is held back, once its copy is safe", async () => {
  const { session, drop } = await asked(2);
  session.target.send(replyOf(1));
  await settle();
  session.relay.cutShort();
  await settle();
  assertEquals([session.client.unread, session.client.closed], ["", false]);
  drop.finishFlush(1);
  session.client.sendEnd();
  assertEquals(await session.end, "shutdown");
  assertEquals(
    session.client.unread,
    replyOf(1) + "-ERR [SYS/TEMP] The service is being restarted; try again later\r\n",
  );
  assertEquals([drop.keptNumbers, drop.open.size], [[1], 0]);
});

Deno.test("Relay cuts at a stop a client that takes nothing, and leaves nothing open", async () => {
  const { session, drop } = await asked(1);
  session.client.writeGate = new Promise(() => {});
  session.target.send("+OK 1\r\n", "x".repeat(60_000), "y".repeat(60_000), "z".repeat(60_000));
  await settle();
  session.relay.cutShort();
  assertEquals(await session.end, "client-closed");
  assertEquals([drop.kept.length, drop.open.size, session.target.closed], [0, 0, true]);
});

Deno.test("Relay gives a client two seconds at a stop to take what is still to come", async () => {
  for (const quits of [false, true]) {
    const { session, drop } = await asked(1, { timeouts: { dataBlockMs: 33 } });
    const gate = Promise.withResolvers<void>();
    session.client.writeGate = gate.promise;
    drop.finishFlush(1);
    session.target.send(replyOf(1));
    await settle();
    assertEquals(session.client.deadlineMs, 33);
    if (quits) {
      session.client.send("QUIT\r\n");
      await session.target.received("QUIT\r\n");
      session.target.send("+OK bye\r\n");
      await settle();
      assertEquals([session.target.closed, session.client.deadlineMs], [true, 33]);
    }
    session.relay.cutShort();
    await settle();
    assertEquals(session.client.deadlineMs, 2000);
    gate.resolve();
    await session.client.received(replyOf(1) + (quits ? "+OK bye\r\n" : ""));
    session.client.sendEnd();
    assertEquals(await session.end, quits ? "quit" : "shutdown");
  }
});
