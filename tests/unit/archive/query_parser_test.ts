import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MailteeError } from "../../../src/base/errors.ts";
import type { Query, TextField } from "../../../src/archive/query.ts";
import { parseQuery } from "../../../src/archive/query_parser.ts";

const NOW = new Date(2026, 10, 24, 15, 30).getTime();
const day = (year: number, month: number, date: number) => new Date(year, month - 1, date).getTime();

const text = (text: string, field: TextField = "any", prefix = false): Query => ({ kind: "text", field, text, prefix });
const and = (...of: readonly Query[]): Query => ({ kind: "and", of });
const or = (...of: readonly Query[]): Query => ({ kind: "or", of });
const not = (of: Query): Query => ({ kind: "not", of });

const TABLE: Readonly<Record<string, Query>> = {
  "": and(),
  "   ": and(),
  "offer": text("offer"),
  "invoic*": text("invoic", "any", true),
  '"a phrase"': text("a phrase"),
  '"a phras"*': text("a phras", "any", true),
  "two words": and(text("two"), text("words")),
  "from:anna": text("anna", "from"),
  "FROM:anna": text("anna", "from"),
  'subject:"quarterly report"': text("quarterly report", "subject"),
  "to:x@y.example body:b attachment:*.pdf": and(
    text("x@y.example", "to"),
    text("b", "body"),
    text("*.pdf", "attachment"),
  ),
  "-draft": not(text("draft")),
  "-from:anna": not(text("anna", "from")),
  "well-known": text("well-known"),
  "a OR b": or(text("a"), text("b")),
  "a OR b OR c": or(text("a"), text("b"), text("c")),
  "x a OR b y": and(text("x"), or(text("a"), text("b")), text("y")),
  "a or b": and(text("a"), text("or"), text("b")),
  "ORDER": text("ORDER"),
  "(a b) OR c": or(and(text("a"), text("b")), text("c")),
  "-(a OR b)": not(or(text("a"), text("b"))),
  "((a))": text("a"),
  "()": and(),
  "f(x)": text("f(x)"),
  "(from:anna)": text("anna", "from"),
  "user:anna": { kind: "user", name: "anna" },
  'proxy:"SMTP Proxy Server"': { kind: "proxy", name: "SMTP Proxy Server" },
  "has:attachment": { kind: "has-attachment" },
  "larger:1M": { kind: "larger", bytes: 1_000_000 },
  "larger:1.5kb": { kind: "larger", bytes: 1500 },
  "larger:2GiB": { kind: "larger", bytes: 2 * 2 ** 30 },
  "smaller:300": { kind: "smaller", bytes: 300 },
  "after:2026-01-31": { kind: "after", time: day(2026, 1, 31) },
  "before:2026-02": { kind: "before", time: day(2026, 2, 1) },
  "before:2026": { kind: "before", time: day(2026, 1, 1) },
  "before:today": { kind: "before", time: day(2026, 11, 24) },
  "after:Yesterday": { kind: "after", time: day(2026, 11, 23) },
  "after:7d": { kind: "after", time: day(2026, 11, 17) },
  "after:2w": { kind: "after", time: day(2026, 11, 10) },
  "after:3m": { kind: "after", time: day(2026, 8, 24) },
  "after:1y": { kind: "after", time: day(2025, 11, 24) },
  "http://www.example.org/": text("http://www.example.org/"),
  "12:30": text("12:30"),
  '"subjct:x"': text("subjct:x"),
  "a@b.example": text("a@b.example"),
};

for (const [written, query] of Object.entries(TABLE)) {
  Deno.test(`parseQuery() understands ${JSON.stringify(written)}`, () => {
    assertEquals(parseQuery(written, { now: NOW }), query);
  });
}

const MISTAKES: Readonly<Record<string, readonly [at: number, words: string]>> = {
  "subjct:x": [1, "did you mean subject:?"],
  "offer zzzzz:x": [7, "there is no zzzzz:"],
  "from:": [6, "from: needs a value"],
  "from: anna": [6, "from: needs a value"],
  '"open': [1, "isn't closed"],
  'a from:"open': [8, "isn't closed"],
  "(a": [1, "this ( isn't closed"],
  "a b ) c": [5, "no ( before it"],
  "larger:big": [8, "isn't a size"],
  "before:2026-02-30": [8, "isn't a date"],
  "before:2026-13": [8, "isn't a date"],
  "after:soon": [7, "isn't a date"],
  "has:picture": [5, "has:attachment"],
  "***": [1, "no letter"],
  "from:-": [6, "no letter"],
  "OR a": [1, "OR stands between"],
  "a OR": [5, "OR stands between"],
  "a OR OR b": [6, "OR stands between"],
  "(a OR) b": [6, "OR stands between"],
};

for (const [written, [at, words]] of Object.entries(MISTAKES)) {
  Deno.test(`parseQuery() says what is wrong with ${JSON.stringify(written)}`, () => {
    const error = assertThrows(() => parseQuery(written, { now: NOW }), MailteeError);
    assertEquals(error.code, "usage");
    assertStringIncludes(error.message, `at character ${at}: `);
    assertStringIncludes(`${error.message} ${error.hint}`, words);
  });
}

Deno.test("parseQuery() has limits", () => {
  for (const written of ["x".repeat(20_000), "x ".repeat(500), "(".repeat(100) + "x" + ")".repeat(100)]) {
    assertThrows(() => parseQuery(written, { now: NOW }), MailteeError);
  }
});

Deno.test("parseQuery() never throws anything but MailteeError", () => {
  const parts = [
    '"',
    "(",
    ")",
    "-",
    "*",
    ":",
    " ",
    "OR",
    "from:",
    "before:",
    "larger:",
    "x",
    "ü",
    "検",
    "\0",
    "\\",
    "%",
  ];
  let seed = 1;
  const next = (most: number) => (seed = (seed * 48271) % 2147483647) % most;
  for (let round = 0; round < 5000; round++) {
    const written = Array.from({ length: next(12) }, () => parts[next(parts.length)]).join("");
    try {
      parseQuery(written, { now: NOW });
    } catch (error) {
      assert(error instanceof MailteeError, written);
    }
  }
});
