import { assertEquals } from "@std/assert";
import { isIdle, nextLine } from "../../../src/pop3/session_state.ts";
import { Conversation } from "./conversation.ts";

const COPY_FAILED =
  "C: -ERR [SYS/TEMP] No copy of this message can be kept now, so it isn't delivered; try again later";
const UNINTELLIGIBLE = "C: -ERR [SYS/TEMP] The mail server's answer can't be understood; closing";

Deno.test("step() passes commands and answers, one at a time without PIPELINING", () => {
  const session = new Conversation();
  assertEquals(session.client("USER anna"), ["T: USER anna"]);
  assertEquals(session.client("PASS secret"), ["not read"]);
  assertEquals(session.target("+OK"), ["C: +OK"]);
  assertEquals(session.client("PASS secret"), ["T: PASS secret"]);
  assertEquals(session.target("+OK 2 messages"), ["C: +OK 2 messages"]);
  assertEquals([session.state.phase, session.state.user], ["transaction", "anna"]);
  assertEquals(session.client("STAT"), ["T: STAT"]);
  assertEquals(session.target("+OK 2 320"), ["C: +OK 2 320"]);
  assertEquals(session.client("DELE 1"), ["T: DELE 1"]);
  assertEquals(session.target("-ERR no such message"), ["C: -ERR no such message"]);
  assertEquals(session.client("QUIT"), ["T: QUIT"]);
  assertEquals(session.target("+OK bye"), ["C: +OK bye", "end quit"]);
});

Deno.test("step() passes blocks as they come", () => {
  const session = new Conversation().logIn();
  for (const line of ["LIST", "TOP 1 0", "LANG"]) {
    assertEquals(session.client(line), [`T: ${line}`]);
    assertEquals(session.target("+OK"), ["C: +OK", "read pass"]);
    assertEquals(session.block(), []);
  }
  assertEquals(session.client("LIST 1"), ["T: LIST 1"]);
  assertEquals(session.target("+OK 1 120"), ["C: +OK 1 120"]);
  assertEquals(session.client("LIST"), ["T: LIST"]);
  assertEquals(session.target("-ERR no"), ["C: -ERR no"]);
  assertEquals(isIdle(session.state), true);
});

Deno.test("step() keeps a failed login in the authorization phase", () => {
  const session = new Conversation();
  session.client("USER anna");
  session.target("+OK");
  session.client("PASS wrong");
  assertEquals(session.target("-ERR [AUTH] no"), ["C: -ERR [AUTH] no"]);
  assertEquals([session.state.phase, session.state.user], ["authorization", null]);
});

Deno.test("step() takes the user from APOP", () => {
  const session = new Conversation();
  assertEquals(session.client("APOP anna 0123"), ["T: APOP anna 0123"]);
  session.target("+OK");
  assertEquals([session.state.phase, session.state.user], ["transaction", "anna"]);
});

Deno.test("step() asks for PASS only after USER", () => {
  const session = new Conversation();
  assertEquals(session.client("PASS secret"), ["C: -ERR Send USER first"]);
});

interface AuthRow {
  readonly command: string;
  /** Challenges, each with the response to it. */
  readonly exchange: readonly (readonly [string, string])[];
  readonly answer: string;
  readonly user: string | null;
  readonly phase: "authorization" | "transaction";
}

const base64 = (text: string) => btoa(text);
const authRows: readonly AuthRow[] = [
  {
    command: `AUTH PLAIN ${base64("\0anna\0secret")}`,
    exchange: [],
    answer: "+OK",
    user: "anna",
    phase: "transaction",
  },
  {
    command: "AUTH PLAIN",
    exchange: [["+ ", base64("\0anna\0secret")]],
    answer: "+OK",
    user: "anna",
    phase: "transaction",
  },
  {
    command: "AUTH LOGIN",
    exchange: [[`+ ${base64("Username:")}`, base64("anna")], [`+ ${base64("Password:")}`, base64("secret")]],
    answer: "+OK",
    user: "anna",
    phase: "transaction",
  },
  {
    command: "AUTH CRAM-MD5",
    exchange: [[`+ ${base64("<1@x>")}`, base64(`anna ${"0".repeat(32)}`)]],
    answer: "+OK",
    user: "anna",
    phase: "transaction",
  },
  {
    command: "AUTH SCRAM-SHA-256",
    exchange: [
      ["+ ", base64("n,,n=anna,r=abc")],
      [`+ ${base64("r=abcd,s=AAAA,i=4096")}`, base64("c=biws,r=abcd,p=AAAA")],
      [`+ ${base64("v=AAAA")}`, ""],
    ],
    answer: "+OK",
    user: "anna",
    phase: "transaction",
  },
  {
    command: `AUTH XOAUTH2 ${base64("user=anna@x.example\x01auth=Bearer t\x01\x01")}`,
    exchange: [],
    answer: "+OK",
    user: "anna@x.example",
    phase: "transaction",
  },
  {
    command: `AUTH OAUTHBEARER ${base64("n,a=anna@x.example,\x01auth=Bearer t\x01\x01")}`,
    exchange: [[`+ ${base64('{"status":"invalid_token"}')}`, base64("\x01")]],
    answer: "-ERR",
    user: null,
    phase: "authorization",
  },
  { command: "AUTH PLAIN", exchange: [["+ ", "*"]], answer: "-ERR cancelled", user: null, phase: "authorization" },
  { command: "AUTH GSSAPI", exchange: [["+ ", "YII="]], answer: "+OK", user: null, phase: "transaction" },
  { command: "AUTH EXTERNAL =", exchange: [], answer: "-ERR no", user: null, phase: "authorization" },
];

Deno.test("step() passes AUTH exchanges and learns who logs in", () => {
  for (const row of authRows) {
    const session = new Conversation();
    assertEquals(session.client(row.command), [`T: ${row.command}`]);
    assertEquals(session.client("next"), ["not read"]);
    for (const [challenge, response] of row.exchange) {
      assertEquals(session.target(challenge), [`C: ${challenge}`]);
      assertEquals(session.client(response), [`T: ${response}`]);
      assertEquals(session.client("next"), ["not read"]);
    }
    assertEquals(session.target(row.answer), [`C: ${row.answer}`]);
    assertEquals([session.state.user, session.state.phase, session.state.exchange], [row.user, row.phase, null]);
    assertEquals(session.client("NOOP"), ["T: NOOP"]);
  }
});

Deno.test("step() cancels an exchange whose response is too long", () => {
  const session = new Conversation();
  session.client("AUTH PLAIN");
  session.target("+ ");
  assertEquals(session.tell({ kind: "bad-line", problem: "too-long" }), ["T: *"]);
  assertEquals(session.target("-ERR cancelled"), ["C: -ERR cancelled"]);
  assertEquals(nextLine(session.state), "command");
});

Deno.test("step() forgets the name given before STLS", () => {
  const session = new Conversation();
  session.client("USER mallory");
  session.target("+OK");
  assertEquals(session.client("STLS"), ["C: +OK Begin TLS negotiation", "tls"]);
  assertEquals(session.client("PASS secret"), ["C: -ERR Send USER first"]);
  assertEquals(session.client("STLS"), ["C: -ERR TLS is in use already"]);
});

Deno.test("step() starts TLS only after all that was asked before is answered", () => {
  const session = new Conversation();
  session.client("CAPA");
  session.target("+OK");
  session.block("PIPELINING");
  session.client("USER anna");
  assertEquals(session.client("STLS"), []);
  assertEquals(session.client("USER anna"), ["not read"]);
  assertEquals(session.target("+OK"), ["C: +OK", "C: +OK Begin TLS negotiation", "tls"]);
});

Deno.test("step() refuses STLS where it isn't offered or comes too late", () => {
  assertEquals(new Conversation({ offersStls: false }).client("STLS"), ["C: -ERR TLS isn't offered here"]);
  assertEquals(new Conversation().logIn().client("STLS"), ["C: -ERR STLS comes before the login"]);
});

Deno.test("step() keeps logins out of clear text where it is told to", () => {
  const session = new Conversation({ requireTlsForAuth: true, maxErrors: 9 });
  for (const line of ["USER anna", "PASS x", "APOP anna 01", "AUTH PLAIN AGEAYg==", "AUTH"]) {
    assertEquals(session.client(line), ["C: -ERR Logins need TLS here: use STLS first"]);
  }
  session.client("STLS");
  assertEquals(session.client("USER anna"), ["T: USER anna"]);
});

Deno.test("step() filters capabilities and learns of PIPELINING", () => {
  const session = new Conversation();
  assertEquals(session.client("CAPA"), ["T: CAPA"]);
  assertEquals(session.target("+OK here"), ["read capabilities"]);
  assertEquals(
    session.block("TOP", "STLS", "XFOO", "SASL PLAIN SCRAM-SHA-1-PLUS", "PIPELINING"),
    ["C: +OK here|TOP|SASL PLAIN|PIPELINING|STLS|."],
  );
  assertEquals(session.state.pipelining, true);
  session.client("CAPA");
  session.target("+OK");
  session.block("TOP");
  assertEquals(session.state.pipelining, false);
});

Deno.test("step() tells of STLS for a server that knows no CAPA", () => {
  const session = new Conversation();
  session.client("CAPA");
  assertEquals(session.target("-ERR what?"), ["C: +OK Capability list follows|USER|STLS|."]);
  session.client("STLS");
  session.client("CAPA");
  assertEquals(session.target("-ERR what?"), ["C: -ERR what?"]);
});

Deno.test("step() filters the list of mechanisms that AUTH alone gives", () => {
  const session = new Conversation();
  assertEquals(session.client("AUTH"), ["T: AUTH"]);
  assertEquals(session.target("+OK"), ["read mechanisms"]);
  assertEquals(session.block("PLAIN", "SCRAM-SHA-256-PLUS", "LOGIN"), ["C: +OK|PLAIN|LOGIN|."]);
  assertEquals(session.client("USER anna"), ["T: USER anna"]);
});

Deno.test("step() asks for the UIDs before the first retrieval, unseen", () => {
  const session = new Conversation().logIn();
  assertEquals(session.client("RETR 2"), ["T: UIDL"]);
  assertEquals(session.client("NOOP"), ["not read"]);
  assertEquals(session.target("+OK"), ["read own-uidl"]);
  assertEquals(session.block("1 a", "2 b"), ["capture 2 b", "T: RETR 2"]);
  assertEquals(session.target("+OK 12 octets"), ["read mail"]);
  assertEquals(session.block(), []);
  assertEquals(session.client("RETR 1"), ["capture 1 a", "T: RETR 1"]);
});

Deno.test("step() uses the listing that the client asked for", () => {
  const session = new Conversation().logIn();
  session.client("UIDL");
  assertEquals(session.target("+OK"), ["C: +OK", "read uidl"]);
  session.block("1 a");
  assertEquals(session.client("RETR 1"), ["capture 1 a", "T: RETR 1"]);
  assertEquals(session.target("-ERR gone"), ["drop", "C: -ERR gone"]);
});

Deno.test("step() retrieves without UID from a server without UIDL", () => {
  const session = new Conversation().logIn();
  assertEquals(session.client("RETR 1"), ["T: UIDL"]);
  assertEquals(session.target("-ERR what?"), ["capture 1 null", "T: RETR 1"]);
  session.target("+OK");
  session.block();
  assertEquals(session.client("RETR 2"), ["capture 2 null", "T: RETR 2"]);
});

Deno.test("step() captures a retrieval that the target allows before any login", () => {
  const session = new Conversation();
  assertEquals(session.client("RETR 1"), ["capture 1 null", "T: RETR 1"]);
  assertEquals(session.target("+OK"), ["read mail"]);
});

Deno.test("step() refuses a retrieval that can't be captured, in its turn", () => {
  const session = new Conversation().logIn({ pipelining: true });
  session.uids.refuse(null);
  session.captureFails = true;
  assertEquals(session.client("STAT"), ["T: STAT"]);
  assertEquals(session.client("RETR 1"), ["capture 1 null"]);
  session.captureFails = false;
  assertEquals(session.client("RETR 2"), ["capture 2 null", "T: RETR 2"]);
  assertEquals(session.target("+OK 2 9"), ["C: +OK 2 9", COPY_FAILED]);
  assertEquals(session.target("+OK"), ["read mail"]);
});

Deno.test("step() names the reason when a client is lost", () => {
  for (
    const [how, reason] of [
      ["closed", "client-closed"],
      ["timeout", "client-timeout"],
      ["tls", "client-tls"],
      ["copy-failed", "copy-failed"],
    ] as const
  ) {
    const session = new Conversation().logIn();
    session.uids.refuse(null);
    session.client("RETR 1");
    session.target("+OK");
    assertEquals(session.tell({ kind: "client-lost", how }), [`end ${reason}`]);
  }
});

Deno.test("step() takes a TOP of the whole mail as a retrieval", () => {
  const session = new Conversation().logIn();
  session.uids.refuse(null);
  assertEquals(session.client("TOP 1 9999"), ["T: TOP 1 9999"]);
  session.target("+OK");
  session.block();
  assertEquals(session.client("TOP 1 99999999"), ["capture 1 null", "T: TOP 1 99999999"]);
  assertEquals(session.target("+OK"), ["read mail"]);
});

Deno.test("step() keeps pipelined answers in order, and its own among them", () => {
  const session = new Conversation().logIn({ pipelining: true });
  session.uids.refuse(null);
  assertEquals(session.client("STAT"), ["T: STAT"]);
  assertEquals(session.client("RETR x"), []);
  assertEquals(session.client("LIST"), ["T: LIST"]);
  assertEquals(session.client("RETR 1"), ["capture 1 null", "T: RETR 1"]);
  assertEquals(session.client("QUIT"), ["T: QUIT"]);
  assertEquals(session.client("NOOP"), ["not read"]);
  assertEquals(session.target("+OK 1 9"), ["C: +OK 1 9", "C: -ERR RETR needs one message number"]);
  assertEquals(session.target("+OK"), ["C: +OK", "read pass"]);
  assertEquals(session.block(), []);
  assertEquals(session.target("+OK"), ["read mail"]);
  assertEquals(session.block(), []);
  assertEquals(session.target("+OK bye"), ["C: +OK bye", "end quit"]);
});

Deno.test("step() has few captures under way at once", () => {
  const session = new Conversation().logIn({ pipelining: true });
  session.uids.refuse(null);
  for (let number = 1; number <= 16; number++) assertEquals(session.client(`RETR ${number}`).length, 2);
  assertEquals(session.client("RETR 17"), []);
  assertEquals(session.client("RETR 18"), ["not read"]);
  session.target("+OK");
  assertEquals(session.block(), ["capture 17 null", "T: RETR 17"]);
  assertEquals(session.client("RETR 18"), []);
});

Deno.test("step() bounds what a client may ask for at once", () => {
  const session = new Conversation().logIn({ pipelining: true });
  let asked = 0;
  while (session.client("NOOP")[0] === "T: NOOP") asked++;
  assertEquals(asked, 64);
  session.target("+OK");
  assertEquals(session.client("NOOP"), ["T: NOOP"]);
});

Deno.test("step() looks at nothing after a login before it is answered", () => {
  const session = new Conversation();
  session.client("CAPA");
  session.target("+OK");
  session.block("PIPELINING");
  session.client("USER anna");
  assertEquals(session.client("PASS secret"), ["T: PASS secret"]);
  assertEquals(session.client("RETR 1"), ["not read"]);
  session.target("+OK");
  session.target("+OK");
  assertEquals(session.client("RETR 1"), ["T: UIDL"]);
});

Deno.test("step() finds out that the answer to an unknown command is one line", () => {
  const session = new Conversation().logIn();
  assertEquals(session.client("XSENDER 1"), ["T: XSENDER 1"]);
  assertEquals(session.client("NOOP"), ["not read"]);
  assertEquals(session.target("+OK anna@x.example"), ["T: NOOP"]);
  assertEquals(session.target("+OK"), ["C: +OK anna@x.example"]);
  session.client("XFOO");
  assertEquals(session.target("-ERR what?"), ["C: -ERR what?"]);
  session.client("XFOO");
  assertEquals(session.target("+OK done"), ["T: NOOP"]);
  assertEquals(session.target("-ERR NOOP not now"), ["C: +OK done"]);
});

Deno.test("step() keeps back the lines of an unknown command's answer, and stays in step", () => {
  const withheld = "C: -ERR The server's answer isn't one line; it isn't passed on, since a message could be in it";
  const session = new Conversation().logIn();
  session.client("XRETR 1");
  assertEquals(session.target("+OK message follows"), ["T: NOOP"]);
  assertEquals(session.target("Received: from x"), ["read discard"]);
  assertEquals(session.block("Subject: y"), []);
  assertEquals(session.target("+OK"), [withheld]);
  assertEquals(session.client("STAT"), ["T: STAT"]);
  session.target("+OK 0 0");
  session.client("XLIST");
  session.target("+OK nothing follows");
  assertEquals(session.target("."), []);
  assertEquals(session.target("+OK"), [withheld]);
  assertEquals(session.client("STAT"), ["T: STAT"]);
});

Deno.test("step() cancels an exchange that an unknown command starts", () => {
  const session = new Conversation();
  session.client("XAUTH");
  assertEquals(session.target("+ challenge"), ["T: *"]);
  assertEquals(session.target("-ERR cancelled"), [
    "C: -ERR The server asks something in return, which isn't passed on",
  ]);
});

Deno.test("step() waits with an unknown command until all else is answered", () => {
  const session = new Conversation().logIn({ pipelining: true });
  session.client("STAT");
  assertEquals(session.client("XFOO"), []);
  assertEquals(session.client("RETR 1"), ["not read"]);
  assertEquals(session.target("+OK 0 0"), ["C: +OK 0 0", "T: XFOO"]);
});

Deno.test("step() ends a session that answers can't be told apart in any more", () => {
  const session = new Conversation().logIn();
  session.client("STAT");
  assertEquals(session.target("Received: from x"), [UNINTELLIGIBLE, "end target-protocol"]);
  assertEquals(new Conversation().logIn().target("+OK unasked"), [UNINTELLIGIBLE, "end target-protocol"]);
  const challenged = new Conversation().logIn();
  challenged.client("STAT");
  assertEquals(challenged.target("+ what"), [UNINTELLIGIBLE, "end target-protocol"]);
});

Deno.test("step() passes the server's own word before it hangs up", () => {
  assertEquals(new Conversation().logIn().target("-ERR idle too long"), [
    "C: -ERR idle too long",
    "end target-closed",
  ]);
});

Deno.test("step() says why an answer doesn't come, or cuts it", () => {
  const lost = "C: -ERR [SYS/TEMP] The connection to the mail server was lost; try again later";
  const idle = new Conversation().logIn();
  assertEquals(idle.tell({ kind: "target-lost", how: "closed", midReply: false }), ["end target-closed"]);
  const waiting = new Conversation().logIn();
  waiting.client("STAT");
  assertEquals(waiting.tell({ kind: "target-lost", how: "closed", midReply: false }), [lost, "end target-closed"]);
  const slow = new Conversation().logIn();
  slow.client("RETR 1");
  assertEquals(slow.tell({ kind: "target-lost", how: "timeout", midReply: false }), [
    "C: -ERR [SYS/TEMP] The mail server doesn't answer; try again later",
    "end target-timeout",
  ]);
  const listing = new Conversation().logIn();
  listing.client("LIST");
  listing.target("+OK");
  assertEquals(listing.tell({ kind: "target-lost", how: "closed", midReply: true }), ["end target-closed cut"]);
});

Deno.test("step() answers what was asked before the client's end", () => {
  const session = new Conversation().logIn({ pipelining: true });
  session.client("STAT");
  session.client("NOOP");
  assertEquals(session.tell({ kind: "client-done" }), []);
  assertEquals(session.target("+OK 0 0"), ["C: +OK 0 0"]);
  assertEquals(session.target("+OK"), ["C: +OK", "end client-closed"]);
  assertEquals(new Conversation().tell({ kind: "client-done" }), ["end client-closed"]);
  const exchange = new Conversation();
  exchange.client("AUTH PLAIN");
  assertEquals(exchange.tell({ kind: "client-done" }), []);
  assertEquals(exchange.target("+ "), ["C: + ", "end client-closed"]);
});

Deno.test("step() ends a session of too many bad lines", () => {
  const session = new Conversation();
  session.client("RETR");
  assertEquals(session.tell({ kind: "bad-line", problem: "bad-line-end" }), [
    "C: -ERR A line ends with CR LF, and has no CR in it",
  ]);
  assertEquals(session.tell({ kind: "bad-line", problem: "too-long" }), [
    "C: -ERR The line is too long",
    "C: -ERR Too many bad commands; closing",
    "end client-protocol",
  ]);
});

Deno.test("step() says at a stop what a client that waits has to know", () => {
  assertEquals(new Conversation().tell({ kind: "shutdown" }), ["end shutdown"]);
  const waiting = new Conversation();
  waiting.client("USER anna");
  assertEquals(waiting.tell({ kind: "shutdown" }), [
    "C: -ERR [SYS/TEMP] The service is being restarted; try again later",
    "end shutdown",
  ]);
});
