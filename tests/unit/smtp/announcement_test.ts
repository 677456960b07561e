import { assertEquals } from "@std/assert";
import { type ClientFacts, xclientCommand, xforwardCommand } from "../../../src/smtp/announcement.ts";

const facts: ClientFacts = {
  ends: { remote: { address: "192.0.2.7", port: 56581 }, local: { address: "198.51.100.1", port: 25 } },
  helo: "client.example",
  protocol: "ESMTP",
  login: null,
};
const ALL = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

Deno.test("xclientCommand() tells what is offered, and nothing without an address", () => {
  assertEquals(
    xclientCommand(ALL, facts),
    "XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.7 PORT=56581 PROTO=ESMTP HELO=client.example DESTADDR=198.51.100.1 DESTPORT=25",
  );
  assertEquals(xclientCommand("ADDR LOGIN", { ...facts, login: "a b" }), "XCLIENT ADDR=192.0.2.7 LOGIN=a+20b");
  assertEquals(xclientCommand("addr  helo", facts), "XCLIENT ADDR=192.0.2.7 HELO=client.example");
  assertEquals(xclientCommand("ADDR PROTO", { ...facts, protocol: "LMTP" }), "XCLIENT ADDR=192.0.2.7 PROTO=ESMTP");
  for (const offered of ["", "NAME PORT", "ADDRESS"]) assertEquals(xclientCommand(offered, facts), null);
});

Deno.test("xclientCommand() writes IPv6 addresses with their prefix and without a zone", () => {
  const ends = { ...facts.ends, remote: { address: "fe80::7%eth0", port: 1 } };
  assertEquals(xclientCommand("ADDR", { ...facts, ends }), "XCLIENT ADDR=IPV6:fe80::7");
});

Deno.test("xclientCommand() lets no name of a client's be more than a value", () => {
  const cases: [helo: string | null, value: string][] = [
    ["a b", "a+20b"],
    ["a=b+c", "a+3Db+2Bc"],
    ["a\tb\u007f", "a+09b+7F"],
    ["é", "+C3+A9"],
    ["[IPv6:2001:db8::7]", "[IPv6:2001:db8::7]"],
    ["x".repeat(255), "x".repeat(255)],
    ["x".repeat(256), "[UNAVAILABLE]"],
    ["é".repeat(43), "[UNAVAILABLE]"],
    [null, "[UNAVAILABLE]"],
  ];
  for (const [helo, value] of cases) {
    assertEquals(xclientCommand("ADDR HELO", { ...facts, helo }), `XCLIENT ADDR=192.0.2.7 HELO=${value}`);
  }
});

Deno.test("xclientCommand() leaves the name of a client out where the command would be too long for SMTP", () => {
  const told = xclientCommand(ALL, { ...facts, helo: "h".repeat(255), login: "l".repeat(255) }) ?? "";
  assertEquals(/ HELO=(\S+) LOGIN=(l+) /.exec(told)?.slice(1), ["[UNAVAILABLE]", "l".repeat(255)]);
  assertEquals(told.length <= 510, true);
});

Deno.test("xforwardCommand() tells what is offered, for each protocol", () => {
  for (const protocol of ["SMTP", "ESMTP", "LMTP"] as const) {
    assertEquals(
      xforwardCommand("NAME ADDR PORT PROTO HELO IDENT SOURCE", { ...facts, protocol }),
      `XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.7 PORT=56581 PROTO=${protocol} HELO=client.example SOURCE=REMOTE`,
    );
  }
  assertEquals(xforwardCommand("NAME", facts), null);
});
