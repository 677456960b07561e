import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { type Command, parseCommand } from "../../../src/smtp/command.ts";
import type { Verb } from "../../../src/smtp/command_table.ts";

function invalid(of: Verb): Command {
  return { verb: "INVALID", of };
}
const unknown: Command = { verb: "UNKNOWN" };

const table: readonly [line: string, command: Command][] = [
  ["EHLO client.example", { verb: "EHLO", name: "client.example" }],
  ["ehlo [192.0.2.1]", { verb: "EHLO", name: "[192.0.2.1]" }],
  ["HELO my pc", { verb: "HELO", name: "my pc" }],
  ["LHLO a.example", { verb: "LHLO", name: "a.example" }],
  ["EHLO", invalid("EHLO")],
  ["HELO  ", invalid("HELO")],
  ["MAIL FROM:<a@b.example>", { verb: "MAIL", path: { address: "a@b.example", route: null }, params: [] }],
  ["mail from: <a@b.example> size=5", {
    verb: "MAIL",
    path: { address: "a@b.example", route: null },
    params: ["size=5"],
  }],
  ["MAIL  FROM:<>", { verb: "MAIL", path: { address: "", route: null }, params: [] }],
  ["MAIL FROM:<ä@b.example>", { verb: "MAIL", path: { address: "ä@b.example", route: null }, params: [] }],
  ["MAIL", invalid("MAIL")],
  ["MAIL FROM", invalid("MAIL")],
  ["MAIL FROM <a@b.example>", invalid("MAIL")],
  ["MAIL TO:<a@b.example>", invalid("MAIL")],
  ["RCPT TO:<a@b.example> NOTIFY=NEVER", {
    verb: "RCPT",
    path: { address: "a@b.example", route: null },
    params: ["NOTIFY=NEVER"],
  }],
  ["RCPT TO:<>", invalid("RCPT")],
  ["RCPT TO:a@b.example,c@d.example", invalid("RCPT")],
  ["RCPT FROM:<a@b.example>", invalid("RCPT")],
  ["RCPT TO:<a@b.example>\0", invalid("RCPT")],
  ["RCPT TO:<a@b.example>\tNOTIFY=NEVER", invalid("RCPT")],
  ["RCPT\tTO:<a@b.example>", unknown],
  [" RCPT TO:<a@b.example>", unknown],
  ["DATA", { verb: "DATA" }],
  ["data ", { verb: "DATA" }],
  ["DATA x", invalid("DATA")],
  ["DATA\t", unknown],
  ["BDAT 0 LAST", { verb: "BDAT", size: 0, last: true }],
  ["bdat 86 last", { verb: "BDAT", size: 86, last: true }],
  ["BDAT 1000", { verb: "BDAT", size: 1000, last: false }],
  ["BDAT", invalid("BDAT")],
  ["BDAT -1", invalid("BDAT")],
  ["BDAT 1e3", invalid("BDAT")],
  ["BDAT 5LAST", invalid("BDAT")],
  ["BDAT 5 LASTS", invalid("BDAT")],
  ["BDAT 1000000000000000", invalid("BDAT")],
  ["RSET", { verb: "RSET" }],
  ["RSET now", invalid("RSET")],
  ["NOOP", { verb: "NOOP" }],
  ["NOOP whatever", { verb: "NOOP" }],
  ["VRFY anna", { verb: "VRFY" }],
  ["EXPN list", { verb: "EXPN" }],
  ["ETRN a.example", { verb: "ETRN" }],
  ["HELP", { verb: "HELP" }],
  ["HELP MAIL", { verb: "HELP" }],
  ["QUIT", { verb: "QUIT" }],
  ["STARTTLS", { verb: "STARTTLS" }],
  ["STARTTLS x", invalid("STARTTLS")],
  ["AUTH PLAIN", { verb: "AUTH", mechanism: "PLAIN", initial: null }],
  ["auth plain AGEAYg==", { verb: "AUTH", mechanism: "PLAIN", initial: "AGEAYg==" }],
  ["AUTH XOAUTH2 =", { verb: "AUTH", mechanism: "XOAUTH2", initial: "=" }],
  ["AUTH SCRAM-SHA-256 biws", { verb: "AUTH", mechanism: "SCRAM-SHA-256", initial: "biws" }],
  ["AUTH", invalid("AUTH")],
  ["AUTH PLAIN a b", invalid("AUTH")],
  ["AUTH PL/IN", invalid("AUTH")],
  ["", unknown],
  ["   ", unknown],
  ["SEND FROM:<a@b.example>", unknown],
  ["SOML FROM:<a@b.example>", unknown],
  ["SAML FROM:<a@b.example>", unknown],
  ["TURN", unknown],
  ["BURL imap://x LAST", unknown],
  ["XCLIENT ADDR=192.0.2.1", unknown],
  ["XFORWARD NAME=x", unknown],
  ["MAILFROM:<a@b.example>", unknown],
  ["STARTTLSX", unknown],
  ["constructor", unknown],
  ["__proto__", unknown],
  ["GET / HTTP/1.1", unknown],
];

for (const [line, command] of table) {
  Deno.test(`parseCommand() reads ${JSON.stringify(line)}`, () => {
    assertEquals(parseCommand(encodeUtf8(line)), command);
  });
}

Deno.test("parseCommand() refuses broken UTF-8 in a known command", () => {
  const line = new Uint8Array([...encodeUtf8("RCPT TO:<"), 0xe4, ...encodeUtf8("@b.example>")]);
  assertEquals(parseCommand(line), invalid("RCPT"));
});

Deno.test("parseCommand() refuses each control character in an argument", () => {
  for (let code = 0; code < 0x20; code++) {
    assertEquals(parseCommand(encodeUtf8(`NOOP a${String.fromCharCode(code)}b`)), invalid("NOOP"), `code ${code}`);
  }
  assertEquals(parseCommand(encodeUtf8("NOOP \x7f")), invalid("NOOP"));
});

Deno.test("parseCommand() reads a long line of ASCII and of UTF-8", () => {
  for (const letter of ["a", "ä"]) {
    const address = `${letter.repeat(2000)}@b.example`;
    const command = parseCommand(encodeUtf8(`MAIL FROM:<${address}>`));
    assertEquals(command, { verb: "MAIL", path: { address, route: null }, params: [] });
  }
});

Deno.test("parseCommand() never takes random octets for a recipient that the line doesn't hold in one piece", () => {
  const alphabet = encodeUtf8('RCPT TO:<>@ab.,;"\\[]()\0\t\r =');
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48271) % 0x7fffffff) % below;
  let recipients = 0;
  for (let round = 0; round < 20_000; round++) {
    const tail = Uint8Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)] ?? 0);
    const line = new Uint8Array([...encodeUtf8("RCPT TO:"), ...tail]);
    const command = parseCommand(line);
    if (command.verb !== "RCPT") continue;
    recipients++;
    const text = new TextDecoder().decode(line);
    const { path } = command;
    assertEquals(text.includes(path.address), true, text);
    const unquoted = path.address.replaceAll(/"(?:[^"\\]|\\.)*"/g, "");
    assertEquals(/[<>,;() ]/.test(unquoted), false, text);
  }
  assertEquals(recipients > 100, true, `only ${recipients} recipients were read`);
});
