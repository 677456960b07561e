import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { type Command, expectsBlock, parseCommand } from "../../../src/pop3/command.ts";

interface Row {
  readonly line: string;
  readonly command: Command;
  /** What is passed on, where it isn't the line itself. */
  readonly passed?: string;
}

const understood: readonly Row[] = [
  { line: "USER anna", command: { verb: "USER", name: "anna" } },
  { line: "user m12345-1", command: { verb: "USER", name: "m12345-1" } },
  { line: "USER anna maria", command: { verb: "USER", name: "anna maria" } },
  { line: "USER jörg@münchen.example", command: { verb: "USER", name: "jörg@münchen.example" } },
  { line: "PASS two  words ", command: { verb: "PASS" } },
  { line: "PASS tab\there", command: { verb: "PASS" } },
  { line: "PASS", command: { verb: "PASS" } },
  { line: "APOP anna c4c9334bac560ecc979e58001b3e22fb", command: { verb: "APOP", name: "anna" } },
  { line: "APOP anna maria c4c9334bac560ecc", command: { verb: "APOP", name: "anna maria" } },
  { line: "AUTH", command: { verb: "AUTH", mechanism: null, initial: null } },
  { line: "auth plain", command: { verb: "AUTH", mechanism: "PLAIN", initial: null } },
  { line: "AUTH PLAIN AGEAYg==", command: { verb: "AUTH", mechanism: "PLAIN", initial: "AGEAYg==" } },
  { line: "AUTH EXTERNAL =", command: { verb: "AUTH", mechanism: "EXTERNAL", initial: "=" } },
  { line: "STAT", command: { verb: "STAT" } },
  { line: "stat ", command: { verb: "STAT" }, passed: "STAT" },
  { line: "LIST", command: { verb: "LIST", number: null } },
  { line: "LIST ", command: { verb: "LIST", number: null }, passed: "LIST" },
  { line: "list 3", command: { verb: "LIST", number: 3 }, passed: "LIST 3" },
  { line: "UIDL", command: { verb: "UIDL", number: null } },
  { line: "UIDL  007", command: { verb: "UIDL", number: 7 }, passed: "UIDL 7" },
  { line: "RETR 1", command: { verb: "RETR", number: 1 } },
  { line: "ReTr  0012 ", command: { verb: "RETR", number: 12 }, passed: "RETR 12" },
  { line: "RETR 9999999999", command: { verb: "RETR", number: 9999999999 } },
  { line: "TOP 1 0", command: { verb: "TOP", number: 1, lines: 0 } },
  { line: "top 01  99999999", command: { verb: "TOP", number: 1, lines: 99999999 }, passed: "TOP 1 99999999" },
  { line: "DELE 2", command: { verb: "DELE", number: 2 } },
  { line: "NOOP", command: { verb: "NOOP" } },
  { line: "RSET", command: { verb: "RSET" } },
  { line: "LAST", command: { verb: "LAST" } },
  { line: "QUIT", command: { verb: "QUIT" } },
  { line: "quit", command: { verb: "QUIT" }, passed: "QUIT" },
  { line: "CAPA", command: { verb: "CAPA" } },
  { line: "STLS", command: { verb: "STLS" } },
  { line: "UTF8", command: { verb: "UTF8" } },
  { line: "LANG", command: { verb: "LANG", tag: null } },
  { line: "LANG de-AT", command: { verb: "LANG", tag: "de-AT" } },
  { line: "LANG *", command: { verb: "LANG", tag: "*" } },
  { line: "XSENDER 1", command: { verb: "UNKNOWN", word: "XSENDER" } },
  { line: "retrieve 1", command: { verb: "UNKNOWN", word: "RETRIEVE" } },
];

const refused: readonly string[] = [
  "",
  " RETR 1",
  "RETR\t1",
  "\tRETR 1",
  "RETR",
  "RETR 0",
  "RETR -1",
  "RETR +1",
  "RETR 1 2",
  "RETR 1x",
  "RETR 0x1",
  "RETR 1.5",
  "RETR １",
  "RETR 99999999999",
  "RETR 1\0",
  "RETR\x001",
  "RE\x00TR 1",
  "RETR 1\rRETR 2",
  "NOOP\x7f",
  "STAT 1",
  "LIST 1 2",
  "LIST x",
  "UIDL 0",
  "DELE",
  "TOP 1",
  "TOP 1 -1",
  "TOP x 1",
  "TOP 1 2 3",
  "USER",
  "USER  ",
  "USER a\0b",
  "PASS a\0b",
  "APOP anna",
  "APOP  x",
  "AUTH PLAIN AGEAYg== more",
  "AUTH PLAIN\tAGEAYg==",
  "LANG de at",
  "QUIT now",
  "XTND XMIT",
  "xtnd xmit",
  "XFOO \x01",
  "ﾲETR 1",
  "dGhlIHNlY3JldA==",
];

Deno.test("parseCommand() reads commands and gives what is passed on", () => {
  for (const { line, command, passed } of understood) {
    const parsed = parseCommand(encodeUtf8(line));
    assertEquals(parsed.command, command, line);
    assertEquals(decodeUtf8(parsed.line), passed ?? line);
  }
});

Deno.test("parseCommand() refuses lines that a server might read differently", () => {
  for (const line of refused) {
    const { command, line: passed } = parseCommand(encodeUtf8(line));
    assertEquals(command.verb, "INVALID", JSON.stringify(line));
    assertEquals(passed.length, 0);
  }
});

Deno.test("parseCommand() passes no line but RETR that any server could take for a RETR", () => {
  const verbs = ["RETR", "retr", "ReTr", " RETR", "RETR\t", "RETR\v", "RETR\xa0", "\0RETR", "RETRX", "RET", "R\bRETR"];
  const separators = ["", " ", "  ", "\t", "\0", "\r", "\n", "\v", "\f", "\x7f", ","];
  const numbers = ["1", "01", "+1", "1 ", "1\t", "1\0", "1x", "#1"];
  for (const verb of verbs) {
    for (const separator of separators) {
      for (const number of numbers) {
        const parsed = parseCommand(encodeUtf8(verb + separator + number));
        const passed = decodeUtf8(parsed.line);
        if (/^[\s\0]*retr(?![a-z0-9])/i.test(passed)) {
          assertEquals([parsed.command, passed], [{ verb: "RETR", number: 1 }, "RETR 1"]);
        }
      }
    }
  }
});

Deno.test("expectsBlock() tells which positive replies have several lines", () => {
  const expected: readonly (readonly [string, boolean])[] = [
    ["LIST", true],
    ["LIST 1", false],
    ["UIDL", true],
    ["UIDL 1", false],
    ["RETR 1", true],
    ["TOP 1 0", true],
    ["CAPA", true],
    ["AUTH", true],
    ["AUTH PLAIN", false],
    ["LANG", true],
    ["LANG de", false],
    ["STAT", false],
    ["QUIT", false],
    ["XFOO", false],
    ["RETR", false],
  ];
  for (const [line, block] of expected) assertEquals(expectsBlock(parseCommand(encodeUtf8(line)).command), block, line);
});
