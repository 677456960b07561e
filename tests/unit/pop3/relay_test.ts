import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { textOf } from "./memory_connection.ts";
import { RelayedSession } from "./relayed_session.ts";

const UIDL = "+OK\r\n1 u1\r\n2 u2\r\n3 u3\r\n.\r\n";

/** Lets everything run that can run without further input. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** A whole session as each side sends it, and what the other side must get. */
const script: readonly { readonly client: string; readonly passed: string; readonly replies: string }[] = [
  { client: "CAPA\r\n", passed: "CAPA\r\n", replies: "+OK\r\nPIPELINING\r\n.\r\n" },
  {
    client: "USER anna\r\nPASS secret\r\n",
    passed: "USER anna\r\nPASS secret\r\n",
    replies: "+OK\r\n+OK in\r\n",
  },
  {
    client: "UIDL\r\nLIST\r\nLIST 1\r\n",
    passed: "UIDL\r\nLIST\r\nLIST 1\r\n",
    replies: `${UIDL}+OK\r\n.\r\n+OK 1 9\r\n`,
  },
  {
    client: "RETR 1\r\nTOP 1 0\r\nRETR 2\r\nRETR 3\r\nDELE 1\r\nQUIT\r\n",
    passed: "RETR 1\r\nTOP 1 0\r\nRETR 2\r\nRETR 3\r\nDELE 1\r\nQUIT\r\n",
    replies: "+OK\r\nSubject: a\r\n\r\n..dot\r\n...\r\n.\r\n+OK\r\nSubject: a\r\n\r\n.\r\n" +
      "+OK empty\r\n.\r\n+OK bare\r\nA: b\nc\r\rd\n.\n\0\xff\r\n.\r\n+OK\r\n+OK bye\r\n",
  },
];
const capabilities = "+OK\r\nPIPELINING\r\nSTLS\r\n.\r\n";
const mails = ["Subject: a\r\n\r\n.dot\r\n..\r\n", "", "A: b\nc\r\rd\n.\n\0\xff\r\n"];

/** Pieces of a text, cut at each of the offsets. */
function cutAt(text: string, ...offsets: number[]): string[] {
  return [0, ...offsets].map((start, index) => text.slice(start, offsets[index] ?? text.length)).filter((piece) =>
    piece
  );
}

async function runScript(cut: (text: string) => string[]): Promise<void> {
  const session = new RelayedSession();
  for (const { client, passed, replies } of script) {
    session.client.send(...cut(client));
    let [asked, answer] = [passed, replies];
    // Without PIPELINING, and after a login, the next command waits for the answer.
    if (client.startsWith("USER")) {
      await session.target.received("USER anna\r\n");
      session.target.send("+OK\r\n");
      await session.client.received("+OK\r\n");
      [asked, answer] = ["PASS secret\r\n", "+OK in\r\n"];
    }
    await session.target.received(asked);
    session.target.send(...cut(answer));
    await session.client.received(client.startsWith("CAPA") ? capabilities : answer);
  }
  assertEquals(await finished(session), "quit");
  assertEquals(session.drop.kept.map(({ mail }) => textOf(mail)), mails);
  assertEquals(session.drop.kept.map(({ start }) => start.pop3), [
    { user: "anna", uidl: "u1", messageNumber: 1 },
    { user: "anna", uidl: "u2", messageNumber: 2 },
    { user: "anna", uidl: "u3", messageNumber: 3 },
  ]);
  assertEquals([session.client.unread, session.target.unread, session.drop.open.size], ["", "", 0]);
}

async function finished(session: RelayedSession) {
  session.client.sendEnd();
  return await session.end;
}

Deno.test("Relay keeps replies and mails whole where both sides send whole batches", async () => {
  await runScript((text) => [text]);
});

Deno.test("Relay keeps replies and mails whole octet by octet", async () => {
  await runScript((text) => [...text]);
});

Deno.test("Relay keeps replies and mails whole wherever they are cut", async () => {
  const longest = Math.max(...script.map(({ replies }) => replies.length));
  for (let offset = 1; offset < longest; offset++) {
    await runScript((text) => cutAt(text, Math.min(offset, text.length)));
  }
});

Deno.test("Relay holds the end of a mail back until its copy is safe", async () => {
  const session = await new RelayedSession().logIn();
  await session.exchange("UIDL", UIDL);
  session.client.send("RETR 1\r\n");
  await session.target.received("RETR 1\r\n");
  session.drop.holdSeals();
  session.target.send("+OK\r\nlong ", "mail\r\n", ".\r\n");
  await session.client.received("+OK\r\nlong mail\r\n");
  await settle();
  assertEquals([session.client.unread, session.drop.kept.length], ["", 0]);
  session.drop.releaseSeals();
  await session.client.received(".\r\n");
  assertEquals(session.drop.kept.length, 1);
  await session.close();
});

Deno.test("Relay answers -ERR for a mail whose copy fails before the client has seen any of it", async () => {
  for (const at of ["write", "seal"]) {
    const session = await new RelayedSession().logIn();
    await session.exchange("UIDL", UIDL);
    session.drop.fail(at, "disk-full");
    session.client.send("RETR 1\r\n");
    await session.target.received("RETR 1\r\n");
    session.target.send("+OK\r\nshort mail\r\n.\r\n");
    await session.client.received(
      "-ERR [SYS/TEMP] No copy of this message can be kept now, so it isn't delivered; try again later\r\n",
    );
    session.drop.fail("ok", "");
    await session.exchange("STAT", "+OK 1 10\r\n");
    assertEquals([session.drop.kept.length, session.drop.open.size], [0, 0]);
    assertEquals(session.counters.snapshot().copyFailures, 1);
    await session.close();
  }
});

Deno.test("Relay reads a mail on whose copy fails in its first piece", async () => {
  const session = await new RelayedSession().logIn();
  await session.exchange("UIDL", UIDL);
  session.drop.fail("write", "io");
  session.client.send("RETR 1\r\n");
  await session.target.received("RETR 1\r\n");
  session.target.send("+OK\r\nfirst\r\n", "second\r\n", ".\r\n+OK unasked\r\n");
  await session.client.received(
    "-ERR [SYS/TEMP] No copy of this message can be kept now, so it isn't delivered; try again later\r\n",
  );
  await session.client.received("-ERR [SYS/TEMP] The mail server's answer can't be understood; closing\r\n");
  assertEquals(await finished(session), "target-protocol");
});

Deno.test("Relay withholds a mail whose copy failed, also one that was captured before or of which a part came", async () => {
  const seen = { has: () => true, add: () => {}, close: () => {} };
  for (const command of ["RETR 1", "TOP 1 3"]) {
    const session = await new RelayedSession({ wholeMailTopLines: 3 }, seen).logIn();
    await session.exchange("UIDL", UIDL);
    session.drop.fail("write", "io");
    session.client.send(`${command}\r\n`);
    await session.target.received(`${command}\r\n`);
    session.target.send("+OK\r\n\r\n1\r\n", "2\r\n", "3\r\n.\r\n");
    await session.client.received(
      "-ERR [SYS/TEMP] No copy of this message can be kept now, so it isn't delivered; try again later\r\n",
    );
    assertEquals([session.client.unread, session.drop.kept.length, session.drop.open.size], ["", 0, 0]);
    await session.close();
  }
});

Deno.test("Relay cuts a mail whose copy fails on the way", async () => {
  const session = await new RelayedSession().logIn();
  await session.exchange("UIDL", UIDL);
  session.client.send("RETR 1\r\n");
  await session.target.received("RETR 1\r\n");
  session.target.send("+OK\r\nfirst\r\n");
  await session.client.received("+OK\r\nfirst\r\n");
  session.drop.fail("seal", "io");
  session.target.send("second\r\n.\r\n");
  assertEquals(await session.end, "copy-failed");
  assertEquals([session.client.unread, session.client.writeEnded, session.client.closed], ["", false, true]);
  assertEquals([session.drop.kept.length, session.drop.open.size], [0, 0]);
});

Deno.test('Relay delivers without a copy where the copy fails and the policy is "pass"', async () => {
  for (const at of ["begin", "write", "seal"]) {
    const session = await new RelayedSession({ onCaptureFailure: "pass" }).logIn();
    await session.exchange("UIDL", UIDL);
    session.drop.fail(at, "io");
    await session.exchange("RETR 1", "+OK\r\nmail\r\n.\r\n");
    await session.exchange("RETR 2", "-ERR no\r\n");
    await session.close();
    const { copyFailures, mails } = session.counters.snapshot();
    assertEquals([copyFailures, mails.uncopied, session.drop.open.size], [at === "begin" ? 2 : 1, 1, 0]);
  }
});

Deno.test("Relay delivers a mail whose sealed copy can't be made visible", async () => {
  const session = await new RelayedSession().logIn();
  await session.exchange("UIDL", UIDL);
  session.drop.fail("commit", "io");
  await session.exchange("RETR 1", "+OK\r\nmail\r\n.\r\n");
  await session.close();
  assertEquals(session.counters.snapshot().mails.captured, 1);
});

Deno.test("Relay leaves nothing of a mail that breaks off", async () => {
  for (const how of ["end", "reset", "timeout"] as const) {
    const session = await new RelayedSession().logIn();
    await session.exchange("UIDL", UIDL);
    session.client.send("RETR 1\r\n");
    await session.target.received("RETR 1\r\n");
    session.target.send("+OK\r\nfirst\r\n");
    await session.client.received("+OK\r\nfirst\r\n");
    if (how === "end") session.target.sendEnd();
    else if (how === "reset") session.target.reset();
    else session.target.expire();
    assertEquals(await session.end, how === "timeout" ? "target-timeout" : "target-closed");
    assertEquals([session.client.unread, session.drop.kept.length, session.drop.open.size], ["", 0, 0]);
  }
});

Deno.test("Relay leaves nothing of a mail whose client is lost", async () => {
  const session = await new RelayedSession().logIn();
  await session.exchange("UIDL", UIDL);
  session.client.send("RETR 1\r\n");
  await session.target.received("RETR 1\r\n");
  session.client.reset();
  session.target.send("+OK\r\nfirst\r\n");
  assertEquals(await session.end, "client-closed");
  assertEquals([session.drop.kept.length, session.drop.open.size, session.target.closed], [0, 0, true]);
});

Deno.test("Relay says why a mail doesn't come whose target is lost before its first octet", async () => {
  const session = await new RelayedSession().logIn();
  await session.exchange("UIDL", UIDL);
  session.client.send("RETR 1\r\n");
  await session.target.received("RETR 1\r\n");
  session.target.send("+OK\r\n");
  session.target.sendEnd();
  await session.client.received("-ERR [SYS/TEMP] The connection to the mail server was lost; try again later\r\n");
  assertEquals(await finished(session), "target-closed");
});

Deno.test("Relay reads no faster than the client takes, and holds little", async () => {
  const session = await new RelayedSession().logIn();
  await session.exchange("UIDL", UIDL);
  session.client.send("RETR 1\r\n");
  await session.target.received("RETR 1\r\n");
  const gate = Promise.withResolvers<void>();
  session.client.writeGate = gate.promise;
  const piece = "x".repeat(998) + "\r\n";
  session.target.send("+OK\r\n", ...Array.from({ length: 40 }, () => piece.repeat(64)), ".\r\n");
  await settle();
  assertGreater(session.target.waitingPieces, 30);
  gate.resolve();
  await session.client.received("+OK\r\n" + piece.repeat(64 * 40) + ".\r\n");
  assertLess(session.client.largestWrite, 70_000);
  assertEquals(session.drop.kept[0]?.mail.length, 64_000 * 40);
  await session.close();
});

Deno.test("Relay captures a TOP only where it gave the whole mail", async () => {
  const session = await new RelayedSession({ wholeMailTopLines: 3 }).logIn();
  await session.exchange("UIDL", UIDL);
  const mail = "A: b\r\n\r\none\r\ntwo\r\n";
  await session.exchange("TOP 1 2", `+OK\r\n${mail}.\r\n`);
  assertEquals(session.drop.kept.length, 0);
  await session.exchange("TOP 1 3", `+OK\r\n${mail}.\r\n`);
  assertEquals(session.drop.kept.map((kept) => textOf(kept.mail)), [mail]);
  await session.exchange("TOP 1 3", `+OK\r\n${mail}three\r\n.\r\n`);
  assertEquals([session.drop.kept.length, session.drop.open.size], [1, 0]);
  await session.close();
});

Deno.test("Relay takes a server at its word that ends lines with LF alone", async () => {
  const session = new RelayedSession();
  session.client.send("RETR 1\n");
  await session.target.received("RETR 1\r\n");
  session.target.send("+OK\nA: b\n\n..dot\n", ".", "\n");
  await session.client.received("+OK\r\nA: b\n\n..dot\n.\r\n");
  assertEquals(session.drop.kept.map((kept) => textOf(kept.mail)), ["A: b\n\n.dot\n"]);
  await session.close();
});

Deno.test("Relay doesn't end a mail at LF, dot, LF where the server knows CRLF", async () => {
  const session = new RelayedSession();
  const mail = "A: b\r\n\r\none\n.\ntwo\n.\r\nthree\r.\rfour\r\n";
  await session.exchange("RETR 1", `+OK\r\n${mail}.\r\n`);
  assertEquals(session.drop.kept.map((kept) => textOf(kept.mail)), [mail]);
  await session.close();
});

Deno.test("Relay sets time limits for the one who has to speak", async () => {
  const session = new RelayedSession({ timeouts: { commandMs: 11, replyMs: 22, dataBlockMs: 33 } });
  await settle();
  assertEquals([session.client.deadlineMs, session.target.deadlineMs], [11, null]);
  session.client.send("USER a", "nna\r\n");
  await session.target.received("USER anna\r\n");
  await settle();
  assertEquals([session.client.deadlineMs, session.target.deadlineMs], [null, 22]);
  session.target.expire();
  await session.client.received("-ERR [SYS/TEMP] The mail server doesn't answer; try again later\r\n");
  assertEquals(await finished(session), "target-timeout");
});

Deno.test("Relay doesn't hold a slow target against the client", async () => {
  const session = new RelayedSession({ timeouts: { commandMs: 11, replyMs: 22, dataBlockMs: 33 } });
  session.client.send("RETR 1\r\n");
  await session.target.received("RETR 1\r\n");
  session.target.send("+OK\r\nfirst\r\n");
  await session.client.received("+OK\r\nfirst\r\n");
  await settle();
  assertEquals([session.client.deadlineMs, session.target.deadlineMs], [null, 33]);
  session.target.expire();
  assertEquals(await session.end, "target-timeout");
});

Deno.test("Relay closes without a word where the client is idle too long", async () => {
  const session = await new RelayedSession().logIn();
  await settle();
  session.client.expire();
  assertEquals(await session.end, "client-timeout");
  assertEquals([session.client.unread, session.target.unread], ["", ""]);
});

Deno.test("Relay sends the target no QUIT that the client didn't send", async () => {
  const session = await new RelayedSession().logIn();
  await session.exchange("DELE 1", "+OK\r\n");
  session.client.sendEnd();
  assertEquals(await session.end, "client-closed");
  assertEquals([session.target.unread, session.target.closed], ["", true]);
});

Deno.test("Relay ends a session before the login at once when told to finish, and lets others go on", async () => {
  const early = new RelayedSession();
  early.relay.finishSoon();
  early.client.sendEnd();
  assertEquals(await early.end, "shutdown");
  const late = await new RelayedSession().logIn();
  late.relay.finishSoon();
  await late.exchange("DELE 1", "+OK\r\n");
  await late.exchange("QUIT", "+OK bye\r\n");
  assertEquals(await finished(late), "quit");
});

Deno.test("Relay throws away what comes in clear text after STLS", async () => {
  const session = new RelayedSession();
  session.client.send("STLS\r\nUSER mallory\r\n");
  await session.client.received("+OK Begin TLS negotiation\r\n");
  await settle();
  assertEquals([session.target.unread, session.client.tls !== null], ["", true]);
  await session.exchange("USER anna", "+OK\r\n");
  await session.close();
});

Deno.test("Relay cuts a line that never ends", async () => {
  const session = new RelayedSession({ limits: { maxErrors: 2 } });
  session.client.send("USER " + "x".repeat(5000), "x".repeat(100_000), "\r\n");
  await session.client.received("-ERR The line is too long\r\n");
  session.client.send("NOOP\rQUIT\r\n");
  await session.client.received(
    "-ERR A line ends with CR LF, and has no CR in it\r\n-ERR Too many bad commands; closing\r\n",
  );
  assertEquals(await finished(session), "client-protocol");
  assertEquals([session.target.unread, session.counters.snapshot().commandErrors], ["", 2]);
});

Deno.test("Relay gives up a target whose answer never ends a line", async () => {
  const session = new RelayedSession();
  session.client.send("STAT\r\n");
  await session.target.received("STAT\r\n");
  session.target.send("+OK " + "x".repeat(20_000));
  await session.client.received("-ERR [SYS/TEMP] The mail server's answer can't be understood; closing\r\n");
  assertEquals(await finished(session), "target-protocol");
});

Deno.test("Relay takes a long response in an AUTH exchange, not a longer one", async () => {
  const session = new RelayedSession();
  const token = "x".repeat(12_000);
  await session.exchange("AUTH XOAUTH2", "+ \r\n");
  await session.exchange(token, "-ERR no\r\n");
  await session.exchange("AUTH XOAUTH2 " + token, "-ERR no\r\n");
  await session.exchange("AUTH XOAUTH2", "+ \r\n");
  session.client.send(token + token + "\r\n");
  await session.target.received("*\r\n");
  session.target.send("-ERR cancelled\r\n");
  await session.client.received("-ERR cancelled\r\n");
  await session.close();
});
