import { assertEquals } from "@std/assert";
import { parameterKeyword, parameterValue, parsePathAndParameters } from "../../../src/smtp/path.ts";

const read: readonly [text: string, address: string, route: string | null, params: string[]][] = [
  ["<anna@a.example>", "anna@a.example", null, []],
  ["<>", "", null, []],
  ["<> SIZE=0", "", null, ["SIZE=0"]],
  [" <anna@a.example>", "anna@a.example", null, []],
  ["<Anna.B+tag@A.Example> SIZE=100 BODY=8BITMIME", "Anna.B+tag@A.Example", null, ["SIZE=100", "BODY=8BITMIME"]],
  ["<anna@a.example>   SMTPUTF8  ", "anna@a.example", null, ["SMTPUTF8"]],
  ["anna@a.example", "anna@a.example", null, []],
  ["anna@a.example SIZE=1", "anna@a.example", null, ["SIZE=1"]],
  ["<postmaster>", "postmaster", null, []],
  ["root", "root", null, []],
  ['<"anna b"@a.example>', '"anna b"@a.example', null, []],
  ['<"a\\"b>c"@a.example> RET=HDRS', '"a\\"b>c"@a.example', null, ["RET=HDRS"]],
  ['<"a@b"@c.example>', '"a@b"@c.example', null, []],
  ['<"a".b."c d"@e.example>', '"a".b."c d"@e.example', null, []],
  ["<a..b.@a.example>", "a..b.@a.example", null, []],
  ["<user%host@relay.example>", "user%host@relay.example", null, []],
  ["<host!user@relay.example>", "host!user@relay.example", null, []],
  ["<a@[192.0.2.1]>", "a@[192.0.2.1]", null, []],
  ["<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", null, []],
  ["<@x.example:a@b.example>", "a@b.example", "@x.example", []],
  ["<@x.example,@y.example:a@b.example>", "a@b.example", "@x.example,@y.example", []],
  ["<用户@例子.example> SMTPUTF8", "用户@例子.example", null, ["SMTPUTF8"]],
  ["<a@b.example> ORCPT=rfc822;a+2Bb@c.example", "a@b.example", null, ["ORCPT=rfc822;a+2Bb@c.example"]],
  ["<a@b.example> AUTH=<>", "a@b.example", null, ["AUTH=<>"]],
  ["<a@b.example.>", "a@b.example.", null, []],
  ["</G=Anna/S=B/@x400.example>", "/G=Anna/S=B/@x400.example", null, []],
];

for (const [text, address, route, params] of read) {
  Deno.test(`parsePathAndParameters() reads ${text}`, () => {
    assertEquals(parsePathAndParameters(text), { path: { address, route }, params });
  });
}

const unreadable = [
  "",
  " ",
  "<",
  ">",
  "<a@b.example",
  "a@b.example>",
  "<<a@b.example>>",
  "<a@b.example>SIZE=1",
  "<a@b.example> <c@d.example>",
  "<a@b.example>,<c@d.example>",
  "<a@b.example,c@d.example>",
  "a@b.example,c@d.example",
  "a@b.example, c@d.example",
  "a@b.example;c@d.example",
  "Anna <a@b.example>",
  '"Anna" <a@b.example>',
  "<a@b.example (comment)>",
  "<(comment)a@b.example>",
  "<a b@c.example>",
  "<@b.example>",
  "<a@>",
  "<a@b@c.example>",
  "<a@[192.0.2.1>",
  "<a@[192.0.2.1]x>",
  "<a@b.example:25>",
  "<group:a@b.example;>",
  '<"a@b.example>',
  '<"a\\"@b.example>',
  "<@x.example a@b.example>",
  "<@x.example:>",
  "<@:a@b.example>",
  "<@x.example,y.example:a@b.example>",
  "@x.example:a@b.example",
  "<a\\b@c.example>",
  "<a@b.example> =1",
  "<a@b.example> SIZE=",
  "<a@b.example> -X=1",
  "<a@b.example> S;IZE",
  "<a@b.example>\tSIZE=1",
];

for (const text of unreadable) {
  Deno.test(`parsePathAndParameters() refuses ${JSON.stringify(text)}`, () => {
    assertEquals(parsePathAndParameters(text), null);
  });
}

Deno.test("parameterKeyword() is upper case, without the value", () => {
  assertEquals(parameterKeyword("size=100"), "SIZE");
  assertEquals(parameterKeyword("smtputf8"), "SMTPUTF8");
});

Deno.test("parameterValue() gives the first value, or null", () => {
  assertEquals(parameterValue(["BODY=8BITMIME", "Size=5=6"], "SIZE"), "5=6");
  assertEquals(parameterValue(["SMTPUTF8"], "SMTPUTF8"), null);
  assertEquals(parameterValue([], "SIZE"), null);
});
