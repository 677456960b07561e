import { assertEquals } from "@std/assert";
import {
  type ExtensionPolicy,
  extensionsOf,
  filterHelloReply,
  passableMechanisms,
} from "../../../src/smtp/extensions.ts";
import { formatReplyLines, replyLines } from "../../../src/smtp/reply.ts";

const open: ExtensionPolicy = {
  offerStartTls: false,
  passAuth: true,
  offerAuth: false,
  bothLegsTls: false,
  maxMailBytes: null,
  maxRecipients: 1000,
};

/** The extension lines that a client sees of those that a target offers. */
function seen(offered: string[], policy: Partial<ExtensionPolicy> = {}): string[] {
  const reply = filterHelloReply(formatReplyLines(250, ["mail.example hello", ...offered]), { ...open, ...policy });
  const [greeting, ...lines] = replyLines(reply);
  assertEquals(greeting, "mail.example hello");
  assertEquals(reply.code, 250);
  return lines;
}

const passing = [
  "PIPELINING",
  "8BITMIME",
  "DSN",
  "SMTPUTF8",
  "ENHANCEDSTATUSCODES",
  "CHUNKING",
  "DELIVERBY 240",
  "FUTURERELEASE 2592000 2026-12-31T23:59:59Z",
  "MT-PRIORITY STANAG4406",
  "RRVS",
  "NO-SOLICITING net.example:ADV",
  "HELP",
  "VRFY",
  "EXPN",
  "ETRN",
  "SIZE 1000",
  "SIZE",
  "LIMITS RCPTMAX=100 MAILMAX=5",
  "AUTH PLAIN LOGIN",
  "AUTH=LOGIN PLAIN",
];
for (const line of passing) {
  Deno.test(`filterHelloReply() passes ${line}`, () => assertEquals(seen([line]), [line]));
}

const stripped = [
  "STARTTLS",
  "REQUIRETLS",
  "BINARYMIME",
  "BURL imap",
  "CHECKPOINT",
  "XCLIENT NAME ADDR",
  "XFORWARD NAME ADDR",
  "X-EXPS GSSAPI",
  "XEXCH50",
  "TURN",
  "ATRN",
  "AUTH",
  "AUTH GSSAPI EXTERNAL SCRAM-SHA-256-PLUS GS2-KRB5",
  "WHATEVER",
  "",
];
for (const line of stripped) {
  Deno.test(`filterHelloReply() strips ${JSON.stringify(line)}`, () => assertEquals(seen([line]), []));
}

Deno.test("filterHelloReply() offers STARTTLS of its own, whatever the target offers", () => {
  assertEquals(seen(["STARTTLS", "DSN"], { offerStartTls: true }), ["DSN", "STARTTLS"]);
  assertEquals(seen([], { offerStartTls: true }), ["STARTTLS"]);
});

Deno.test("filterHelloReply() strips AUTH where clients can't log in, and -PLUS always", () => {
  assertEquals(seen(["AUTH PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "AUTH=PLAIN"]), [
    "AUTH PLAIN SCRAM-SHA-256",
    "AUTH=PLAIN",
  ]);
  assertEquals(seen(["AUTH PLAIN", "AUTH=PLAIN"], { passAuth: false }), []);
});

Deno.test("filterHelloReply() gives the smaller size", () => {
  assertEquals(seen(["SIZE 1000"], { maxMailBytes: 500 }), ["SIZE 500"]);
  assertEquals(seen(["SIZE 1000"], { maxMailBytes: 5000 }), ["SIZE 1000"]);
  assertEquals(seen(["SIZE 0"], { maxMailBytes: 500 }), ["SIZE 500"]);
  assertEquals(seen(["SIZE"], { maxMailBytes: 500 }), ["SIZE 500"]);
  assertEquals(seen(["size 10"], {}), ["SIZE 10"]);
  assertEquals(seen([], { maxMailBytes: 500 }), []);
});

Deno.test("filterHelloReply() gives the smaller RCPTMAX", () => {
  assertEquals(seen(["LIMITS MAILMAX=5 RCPTMAX=5000"], { maxRecipients: 100 }), ["LIMITS MAILMAX=5 RCPTMAX=100"]);
});

Deno.test("filterHelloReply() passes REQUIRETLS where both legs are TLS, BINARYMIME beside CHUNKING", () => {
  assertEquals(seen(["REQUIRETLS"], { bothLegsTls: true }), ["REQUIRETLS"]);
  assertEquals(seen(["BINARYMIME", "CHUNKING"]), ["BINARYMIME", "CHUNKING"]);
});

Deno.test("extensionsOf() leaves out the greeting and keeps parameters", () => {
  const extensions = extensionsOf(formatReplyLines(250, ["SIZE.example", "size 10", "AUTH=LOGIN", "PIPELINING "]));
  assertEquals([...extensions], [["SIZE", "10"], ["AUTH=", "LOGIN"], ["PIPELINING", ""]]);
});

Deno.test("passableMechanisms() leaves those out that are bound to a connection", () => {
  assertEquals(passableMechanisms("PLAIN  XOAUTH2 NTLM GSSAPI scram-sha-1-plus EXTERNAL"), [
    "PLAIN",
    "XOAUTH2",
    "NTLM",
  ]);
});
