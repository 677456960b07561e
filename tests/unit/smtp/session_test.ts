import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { parseCommand } from "../../../src/smtp/command.ts";
import { extensionsOf } from "../../../src/smtp/extensions.ts";
import type { MailEnd } from "../../../src/smtp/mail_end.ts";
import { formatReply, formatReplyLines, type Reply, takeReply } from "../../../src/smtp/reply.ts";
import { step } from "../../../src/smtp/session.ts";
import {
  type Effect,
  initialState,
  isIdle,
  type SessionEvent,
  type SessionSettings,
  type SessionState,
  takesCommand,
  takesInput,
} from "../../../src/smtp/session_state.ts";

const settings: SessionSettings = {
  kind: "smtp",
  offersStartTls: true,
  mustIntroduce: false,
  holdsCredentials: false,
  checksLogins: false,
  requireTlsForAuth: false,
  xforward: null,
  maxRecipients: 3,
  maxMailBytes: 1000,
  maxErrors: 5,
};
const offered = ["mail.example", "PIPELINING", "SIZE 5000", "CHUNKING", "BINARYMIME", "AUTH PLAIN LOGIN", "REQUIRETLS"];

/** A session to talk to; each call gives what it makes the proxy do, as text. */
class Talk {
  state: SessionState;

  constructor(changes: Partial<SessionSettings> = {}, tls = { client: false, target: false }) {
    this.state = initialState({ ...settings, ...changes }, tls);
  }

  tell(event: SessionEvent): string[] {
    const { state, effects } = step(this.state, event);
    this.state = state;
    return effects.map(effectText);
  }

  /** A line of the client's; "(waits)" where it can't be taken now. */
  client(text: string, talkedOn = false): string[] {
    const line = encodeUtf8(text);
    const command = parseCommand(line);
    if (!takesInput(this.state) || !takesCommand(this.state, command)) return ["(waits)"];
    return this.tell({ kind: "command", command, line, talkedOn });
  }

  target(text: string): string[] {
    return this.tell({ kind: "reply", reply: replyOf(text) });
  }

  introduced(lines: readonly string[] = offered, as: "EHLO" | "HELO" | "LHLO" = "EHLO"): string[] {
    const reply = formatReplyLines(250, lines);
    const { targetTls } = this.state;
    return this.tell({
      kind: "introduced",
      as,
      name: "client.example",
      reply,
      extensions: extensionsOf(reply),
      targetTls,
    });
  }

  /** Up to the EHLO's answer. */
  greeted(): this {
    this.client("EHLO client.example");
    this.introduced();
    return this;
  }

  /** Up to an accepted recipient. */
  withEnvelope(params = ""): this {
    this.client(`MAIL FROM:<a@a.example>${params}`);
    this.target("250 Ok");
    this.client("RCPT TO:<b@b.example>");
    this.target("250 Ok");
    return this;
  }
}

function replyOf(text: string): Reply {
  const scan = takeReply(encodeUtf8(`${text}\r\n`));
  if (scan.kind !== "reply") throw new Error(`not a reply: ${text}`);
  return scan.reply;
}

function effectText(effect: Effect): string {
  switch (effect.do) {
    case "forward":
      return `> ${decodeUtf8(effect.line)}`;
    case "answer":
      return `< ${decodeUtf8(effect.reply.bytes).trimEnd()}`;
    case "introduce":
      return `introduce ${effect.as} ${effect.name}`;
    case "transfer-mail":
      return `mail to ${effect.transaction.recipients.map(({ address }) => address)}`;
    case "transfer-chunk":
      return `chunk ${effect.size}${effect.last ? " last" : ""}`;
    case "skip-chunk":
      return `skip ${effect.size} ${decodeUtf8(effect.answer.bytes).trimEnd()}`;
    case "end":
      return `end ${effect.reason}`;
    default:
      return effect.do;
  }
}

Deno.test("step() passes known commands on as they are", () => {
  const talk = new Talk().greeted();
  for (const line of ["mail from:<a@a.example> size=5", "rcpt TO: b@b.example", "rset", "noop x"]) {
    assertEquals(talk.client(line), [`> ${line}`]);
  }
});

Deno.test("step() keeps its own replies behind those that the target owes", () => {
  const talk = new Talk().greeted();
  assertEquals(talk.client("MAIL FROM:<a@a.example>"), ["> MAIL FROM:<a@a.example>"]);
  assertEquals(talk.client("WHAT"), []);
  assertEquals(talk.client("RSET"), ["> RSET"]);
  assertEquals(talk.client("RCPT TO:<>"), []);
  assertEquals(talk.target("250 Ok 1"), ["< 250 Ok 1", "< 500 5.5.2 Command not recognized"]);
  assertEquals(talk.target("250 Ok 2"), [
    "< 250 Ok 2",
    "< 501 5.1.3 Syntax error in the recipient's address or its parameters",
  ]);
  assertEquals(talk.client("WHAT"), ["< 500 5.5.2 Command not recognized"]);
});

Deno.test("takesInput() holds a client back where the target has no PIPELINING", () => {
  const talk = new Talk();
  talk.client("EHLO x");
  talk.introduced(["mail.example"]);
  talk.client("MAIL FROM:<a@a.example>");
  assertEquals(talk.client("RCPT TO:<b@b.example>"), ["(waits)"]);
  talk.target("250 Ok");
  assertEquals(talk.client("RCPT TO:<b@b.example>"), ["> RCPT TO:<b@b.example>"]);
});

Deno.test("takesInput() holds a client back behind the last command of a group", () => {
  for (const line of ["NOOP", "VRFY x", "EXPN x", "HELP", "QUIT", "ETRN x", "AUTH PLAIN"]) {
    const talk = new Talk().greeted();
    talk.client(line);
    assertEquals(talk.client("RSET"), ["(waits)"], line);
  }
});

Deno.test("takesInput() bounds what is owed at once", () => {
  const talk = new Talk({ maxErrors: 1e6 }).greeted();
  let taken = 0;
  while (talk.client("RSET")[0] !== "(waits)") taken++;
  assertEquals(taken, 256);
  talk.target("250 Ok");
  assertEquals(talk.client("RSET"), ["> RSET"]);
});

Deno.test("takesCommand() makes those wait whose meaning earlier replies decide", () => {
  for (const line of ["DATA", "BDAT 5 LAST", "EHLO x", "HELO x", "STARTTLS", "AUTH PLAIN"]) {
    const talk = new Talk().greeted();
    talk.client("RSET");
    assertEquals(talk.client(line), ["(waits)"], line);
  }
});

Deno.test("step() begins a mail only with a recipient that was accepted", () => {
  const talk = new Talk().greeted();
  assertEquals(talk.client("DATA"), ["< 503 5.5.1 Send MAIL first"]);
  talk.client("MAIL FROM:<a@a.example>");
  talk.target("250 Ok");
  assertEquals(talk.client("DATA"), ["< 503 5.5.1 Send RCPT first"]);
  talk.client("RCPT TO:<b@b.example>");
  talk.target("550 No");
  assertEquals(talk.client("DATA"), ["< 554 5.5.1 No valid recipients"]);
  talk.client("RCPT TO:<c@c.example>");
  talk.target("251 Ok");
  assertEquals(talk.client("DATA"), ["mail to c@c.example"]);
  const refused = talk.state.transaction?.rejectedRecipients.map(({ address, reply }) => `${address}: ${reply}`);
  assertEquals(refused, ["b@b.example: 550 No"]);
});

Deno.test("step() takes 3xx to MAIL and RCPT for no acceptance", () => {
  const talk = new Talk().greeted();
  talk.client("MAIL FROM:<a@a.example>");
  talk.target("354 What");
  assertEquals(talk.state.transaction, null);
});

Deno.test("step() refuses a second MAIL, except where the target may have forgotten the first", () => {
  const talk = new Talk().greeted().withEnvelope();
  assertEquals(talk.client("MAIL FROM:<x@a.example>"), ["< 503 5.5.1 Nested MAIL command: send RSET first"]);
  talk.client("DATA");
  talk.tell({ kind: "mail-ended", end: { kind: "not-started", reply: replyOf("451 Not now") } });
  assertEquals(talk.client("MAIL FROM:<x@a.example>"), ["> MAIL FROM:<x@a.example>"]);
});

Deno.test("step() takes a MAIL that is pipelined behind RSET for the first one", () => {
  const talk = new Talk().greeted().withEnvelope();
  assertEquals(talk.client("RSET"), ["> RSET"]);
  assertEquals(talk.client("MAIL FROM:<x@a.example>"), ["> MAIL FROM:<x@a.example>"]);
  assertEquals(talk.client("RCPT TO:<y@a.example>"), ["> RCPT TO:<y@a.example>"]);
  for (const reply of ["250 reset", "250 mail", "250 rcpt"]) talk.target(reply);
  assertEquals(talk.client("DATA"), ["mail to y@a.example"]);
});

Deno.test("step() counts recipients asked for, answered or not", () => {
  const talk = new Talk().greeted();
  talk.client("MAIL FROM:<a@a.example>");
  talk.client("RCPT TO:<1@b.example>");
  talk.client("RCPT TO:<2@b.example>");
  for (const reply of ["250 Ok", "250 Ok", "550 No"]) talk.target(reply);
  assertEquals(talk.client("RCPT TO:<3@b.example>"), ["> RCPT TO:<3@b.example>"]);
  assertEquals(talk.client("RCPT TO:<4@b.example>"), []);
  assertEquals(talk.target("250 Ok"), ["< 250 Ok", "< 452 4.5.3 Too many recipients"]);
});

Deno.test("step() refuses parameters that could change what a mail is", () => {
  const talk = new Talk().greeted();
  const refusal = ["< 555 5.5.4 MAIL FROM or RCPT TO parameter not recognized"];
  assertEquals(talk.client("MAIL FROM:<a@a.example> TRANSID=<1@x>"), refusal);
  assertEquals(talk.client("MAIL FROM:<a@a.example> SIZE=1 X=1"), refusal);
  assertEquals(talk.client("RCPT TO:<a@a.example> SIZE=1"), refusal);
});

Deno.test("step() refuses a mail that is announced to be too big", () => {
  const talk = new Talk().greeted();
  assertEquals(talk.client("MAIL FROM:<a@a.example> SIZE=1001"), ["< 552 5.3.4 Message size exceeds the limit"]);
  assertEquals(talk.client("MAIL FROM:<a@a.example> SIZE=1000"), ["> MAIL FROM:<a@a.example> SIZE=1000"]);
});

Deno.test("step() passes REQUIRETLS only where both legs have TLS", () => {
  for (const [client, target] of [[false, false], [true, false], [false, true], [true, true]] as const) {
    const talk = new Talk({}, { client, target }).greeted();
    const expected = client && target
      ? "> MAIL FROM:<a@a.example> REQUIRETLS"
      : "< 550 5.7.30 REQUIRETLS support required";
    assertEquals(talk.client("MAIL FROM:<a@a.example> REQUIRETLS"), [expected]);
  }
});

Deno.test("step() lets nothing of a mail pass before the proxy has introduced itself", () => {
  const talk = new Talk({ mustIntroduce: true });
  for (const line of ["MAIL FROM:<a@a.example>", "RCPT TO:<a@a.example>", "DATA", "VRFY x", "AUTH PLAIN"]) {
    assertEquals(new Talk({ mustIntroduce: true }).client(line), ["< 503 5.5.1 Send EHLO or HELO first"], line);
  }
  for (const line of ["NOOP", "RSET", "HELP", "QUIT"]) {
    assertEquals(new Talk({ mustIntroduce: true }).client(line), [`> ${line}`]);
  }
  assertEquals(talk.client("EHLO x"), ["introduce EHLO x"]);
});

Deno.test("step() forgets everything with the client's STARTTLS", () => {
  const talk = new Talk().greeted().withEnvelope();
  assertEquals(talk.client("STARTTLS"), ["< 220 2.0.0 Ready to start TLS", "start-client-tls"]);
  assertEquals(talk.tell({ kind: "client-tls-started" }), ["> RSET"]);
  assertEquals(talk.client("MAIL FROM:<a@a.example>"), ["(waits)"]);
  assertEquals(talk.target("250 Ok"), []);
  assertEquals(talk.client("MAIL FROM:<a@a.example>"), ["< 503 5.5.1 Send EHLO or HELO first"]);
  talk.client("EHLO x");
  const [answer = ""] = talk.introduced(["mail.example", "STARTTLS"]);
  assertEquals(answer, "< 250 mail.example");
  assertEquals(talk.client("STARTTLS"), ["< 503 5.5.1 TLS is already active"]);
});

Deno.test("step() refuses STARTTLS that isn't offered, and after a login", () => {
  assertEquals(new Talk({ offersStartTls: false }).client("STARTTLS"), ["< 502 5.5.1 STARTTLS is not available"]);
  const talk = new Talk().greeted();
  talk.client("AUTH PLAIN AGEAYg==");
  talk.target("235 Ok");
  assertEquals(talk.client("STARTTLS"), ["< 503 5.5.1 STARTTLS is not allowed after AUTH"]);
});

Deno.test("step() ends a session that talks on after DATA or STARTTLS", () => {
  for (const line of ["DATA", "STARTTLS"]) {
    assertEquals(new Talk().greeted().withEnvelope().client(line, true), [
      "< 554 5.5.0 SMTP protocol synchronization error: wait for the reply",
      "end client-protocol",
    ]);
  }
});

Deno.test("step() passes AUTH through and takes note of who logged in", () => {
  const talk = new Talk().greeted();
  assertEquals(talk.client("AUTH LOGIN"), ["> AUTH LOGIN"]);
  assertEquals(talk.target("334 VXNlcm5hbWU6"), ["< 334 VXNlcm5hbWU6"]);
  assertEquals(talk.tell({ kind: "auth-response", line: encodeUtf8("YW5uYQ==") }), ["> YW5uYQ=="]);
  assertEquals(talk.target("334 UGFzc3dvcmQ6"), ["< 334 UGFzc3dvcmQ6"]);
  assertEquals(talk.tell({ kind: "auth-response", line: encodeUtf8("c2VjcmV0") }), ["> c2VjcmV0"]);
  assertEquals(JSON.stringify(talk.state).includes("c2VjcmV0"), false);
  assertEquals(talk.target("235 Ok"), ["< 235 Ok"]);
  assertEquals(talk.state.authenticatedAs, "anna");
});

Deno.test("step() keeps no initial response", () => {
  const talk = new Talk().greeted();
  talk.client("AUTH PLAIN AGFubmEAc2VjcmV0");
  assertEquals(JSON.stringify(talk.state).includes("c2VjcmV0"), false);
  talk.target("235 Ok");
  assertEquals(talk.state.authenticatedAs, "anna");
});

Deno.test("step() counts failed logins as errors", () => {
  const talk = new Talk({ maxErrors: 2 }).greeted();
  talk.client("AUTH PLAIN AGFubmEAc2VjcmV0");
  assertEquals(talk.target("535 No"), ["< 535 No"]);
  talk.client("AUTH PLAIN AGFubmEAc2VjcmV0");
  assertEquals(talk.target("535 No"), [
    "< 535 No",
    "< 421 4.7.0 Too many errors, closing connection",
    "end client-protocol",
  ]);
  assertEquals(talk.state.authenticatedAs, null);
});

Deno.test("step() cancels at the target where a response can't be passed on", () => {
  const talk = new Talk().greeted();
  talk.client("AUTH LOGIN");
  talk.target("334 VXNlcm5hbWU6");
  assertEquals(talk.tell({ kind: "bad-line", problem: "too-long" }), ["> *"]);
  assertEquals(talk.target("501 Cancelled"), ["< 500 5.5.6 Authentication exchange line is too long"]);
  assertEquals(talk.client("NOOP"), ["> NOOP"]);
});

Deno.test("step() refuses AUTH where the proxy logs in, without TLS where it is required, and by bound mechanisms", () => {
  assertEquals(new Talk({ holdsCredentials: true }).greeted().client("AUTH PLAIN"), [
    "< 503 5.5.1 AUTH is not available: this service logs in by itself",
  ]);
  assertEquals(new Talk({ requireTlsForAuth: true }).greeted().client("AUTH PLAIN"), [
    "< 538 5.7.11 Encryption required for authentication: send STARTTLS first",
  ]);
  const tls = new Talk({ requireTlsForAuth: true }, { client: true, target: false }).greeted();
  assertEquals(tls.client("AUTH PLAIN"), ["> AUTH PLAIN"]);
  for (const mechanism of ["SCRAM-SHA-256-PLUS", "GSSAPI", "EXTERNAL"]) {
    assertEquals(new Talk().greeted().client(`AUTH ${mechanism}`), [
      "< 504 5.5.4 Authentication mechanism not available",
    ]);
  }
});

Deno.test("step() passes a 421 on and ends, whatever else is owed", () => {
  const talk = new Talk().greeted();
  talk.client("MAIL FROM:<a@a.example>");
  talk.client("RCPT TO:<b@b.example>");
  talk.client("WHAT");
  assertEquals(talk.target("421 4.3.2 Closing"), ["< 421 4.3.2 Closing", "end target-closed"]);
  assertEquals(talk.client("NOOP"), ["(waits)"]);
});

Deno.test("step() takes an unasked reply other than 421 for the end of all understanding", () => {
  assertEquals(new Talk().greeted().target("421 4.4.2 Idle"), ["< 421 4.4.2 Idle", "end target-closed"]);
  const [answer = "", end] = new Talk().greeted().target("250 Ok");
  assertEquals([answer.slice(0, 11), end], ["< 421 4.5.0", "end target-closed"]);
});

Deno.test("step() ends a session after too many errors", () => {
  const talk = new Talk().greeted();
  for (let count = 1; count < 5; count++) assertEquals(talk.client("WHAT").length, 1);
  assertEquals(talk.client("WHAT"), [
    "< 500 5.5.2 Command not recognized",
    "< 421 4.7.0 Too many errors, closing connection",
    "end client-protocol",
  ]);
});

Deno.test("takesInput() is false behind an end that waits for a reply", () => {
  const talk = new Talk({ maxErrors: 1 }).greeted();
  talk.client("RSET");
  assertEquals(talk.client("WHAT"), []);
  assertEquals(talk.client("RSET"), ["(waits)"]);
});

Deno.test("step() sends chunks, and nothing but chunks between them", () => {
  const talk = new Talk({ maxErrors: 10 }).greeted().withEnvelope(" BODY=BINARYMIME");
  assertEquals(talk.client("DATA"), ["< 503 5.5.1 A mail with BODY=BINARYMIME needs BDAT"]);
  assertEquals(talk.client("BDAT 5"), ["chunk 5"]);
  talk.tell({ kind: "chunk-answered", reply: replyOf("250 Ok") });
  for (const line of ["DATA", "MAIL FROM:<x@a.example>", "RCPT TO:<x@a.example>", "AUTH PLAIN"]) {
    assertEquals(talk.client(line), ["< 503 5.5.1 Not allowed between the chunks of a mail"], line);
  }
  assertEquals(talk.client("BDAT 0 LAST"), ["chunk 0 last"]);
});

Deno.test("step() drops the copy of the chunks with RSET, EHLO and a chunk that is refused", () => {
  const flowing = () => {
    const talk = new Talk().greeted().withEnvelope();
    talk.client("BDAT 5");
    talk.tell({ kind: "chunk-answered", reply: replyOf("250 Ok") });
    return talk;
  };
  const reset = flowing();
  reset.client("RSET");
  assertEquals(reset.target("250 Ok"), ["abort-copy", "< 250 Ok"]);
  const hello = flowing();
  hello.client("EHLO x");
  assertEquals(hello.introduced(["mail.example"]), ["abort-copy", "< 250-mail.example\r\n250 STARTTLS"]);
  const refused = flowing();
  refused.client("BDAT 5");
  assertEquals(refused.tell({ kind: "chunk-answered", reply: replyOf("452 Full") }), ["< 452 Full", "abort-copy"]);
  const skip = "skip 5 503 5.5.1 An earlier chunk of this mail failed: send RSET";
  assertEquals(refused.client("BDAT 5 LAST"), [skip]);
  assertEquals(refused.client("MAIL FROM:<a@a.example>"), ["> MAIL FROM:<a@a.example>"]);
});

Deno.test("step() reads past a chunk that it refuses", () => {
  assertEquals(new Talk().greeted().client("BDAT 7 LAST"), ["skip 7 503 5.5.1 Send MAIL first"]);
  const without = new Talk();
  without.client("EHLO x");
  without.introduced(["mail.example"]);
  assertEquals(without.client("BDAT 7"), ["skip 7 503 5.5.1 CHUNKING was not offered"]);
  assertEquals(new Talk().greeted().client("BDAT x"), [
    "< 501 5.5.4 Syntax error in parameters",
    "end client-protocol",
  ]);
});

Deno.test("step() resets the target where no copy can be begun, so that the client can go on", () => {
  const talk = new Talk().greeted().withEnvelope();
  talk.client("DATA");
  const end: MailEnd = { kind: "copy-failed", stage: "before", noSpace: true };
  assertEquals(talk.tell({ kind: "mail-ended", end }), [
    "< 452 4.3.1 Insufficient system storage, try again later",
    "> RSET",
  ]);
  assertEquals(talk.client("MAIL FROM:<a@a.example>"), ["> MAIL FROM:<a@a.example>"]);
  assertEquals(talk.target("250 reset"), []);
  assertEquals(talk.target("250 mail"), ["< 250 mail"]);
});

Deno.test("step() tells a client whose target was cut to connect again", () => {
  const talk = new Talk().greeted().withEnvelope();
  talk.client("DATA");
  assertEquals(talk.tell({ kind: "mail-ended", end: { kind: "too-big" } }), [
    "< 552 5.3.4 Message size exceeds the limit",
    "cut-target",
  ]);
  const quitting = new Talk();
  quitting.state = talk.state;
  assertEquals(talk.client("MAIL FROM:<a@a.example>"), [
    "< 421 4.3.0 Connection to the mail server was closed, connect again",
    "end target-closed",
  ]);
  assertEquals(quitting.client("QUIT"), ["< 221 2.0.0 Bye", "end quit"]);
});

Deno.test("step() speaks LHLO on LMTP and EHLO on SMTP", () => {
  assertEquals(new Talk({ kind: "lmtp" }).client("LHLO x"), ["introduce LHLO x"]);
  assertEquals(new Talk({ kind: "lmtp" }).client("EHLO x"), ["< 500 5.5.1 This service speaks LMTP: send LHLO"]);
  assertEquals(new Talk().client("LHLO x"), ["< 500 5.5.1 This service speaks SMTP: send EHLO"]);
});

Deno.test("step() says why a session ends for reasons of either side", () => {
  assertEquals(new Talk().tell({ kind: "client-lost", how: "closed" }), ["end client-closed"]);
  assertEquals(new Talk().tell({ kind: "client-lost", how: "timeout" }), [
    "< 421 4.4.2 Timeout, closing connection",
    "end client-timeout",
  ]);
  assertEquals(new Talk().tell({ kind: "shutdown" }), [
    "< 421 4.3.2 Service shutting down, try again later",
    "end shutdown",
  ]);
  const losses = { closed: "4.4.2", timeout: "4.4.2", malformed: "4.5.0" } as const;
  for (const loss of ["closed", "timeout", "malformed"] as const) {
    const [answer = "", end] = new Talk().greeted().tell({ kind: "target-lost", loss });
    assertEquals([answer.slice(0, 11), end], [`< 421 ${losses[loss]}`, "end target-closed"]);
  }
});

Deno.test("step() says nothing more where a target that refused service hangs up", () => {
  const talk = new Talk();
  assertEquals(talk.tell({ kind: "greeting", reply: formatReply(554, "5.7.1", "Not you") }), ["< 554 5.7.1 Not you"]);
  assertEquals(talk.tell({ kind: "target-lost", loss: "closed" }), ["end target-refused"]);
});

Deno.test("step() does nothing after the end", () => {
  const talk = new Talk();
  talk.tell({ kind: "shutdown" });
  assertEquals(talk.target("250 Ok"), []);
  assertEquals(talk.tell({ kind: "client-lost", how: "closed" }), []);
});

Deno.test("isIdle() is false in a transaction, in a login, and while a reply is owed", () => {
  assertEquals(isIdle(new Talk().greeted().state), true);
  assertEquals(isIdle(new Talk().greeted().withEnvelope().state), false);
  const login = new Talk().greeted();
  login.client("AUTH LOGIN");
  login.target("334 x");
  assertEquals(isIdle(login.state), false);
  const owing = new Talk().greeted();
  owing.client("NOOP");
  assertEquals(isIdle(owing.state), false);
});

Deno.test("step() leaves the state that it was given as it was", () => {
  const talk = new Talk().greeted().withEnvelope();
  const before = structuredClone({ ...talk.state, extensions: [...talk.state.extensions] });
  const { state } = talk;
  step(state, { kind: "command", command: { verb: "RSET" }, line: encodeUtf8("RSET"), talkedOn: false });
  step(state, { kind: "shutdown" });
  assertEquals(structuredClone({ ...state, extensions: [...state.extensions] }), before);
});
