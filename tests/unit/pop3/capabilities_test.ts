import { assertEquals } from "@std/assert";
import {
  type CapabilityView,
  filterCapabilities,
  ownCapabilities,
  passesThrough,
} from "../../../src/pop3/capabilities.ts";

const plainView: CapabilityView = { offersStls: false, loginsRefused: false };

Deno.test("filterCapabilities() passes what it knows, in order, and nothing else", () => {
  const lines = [
    "CAPA",
    "TOP",
    "UIDL",
    "RESP-CODES",
    "PIPELINING",
    "AUTH-RESP-CODE",
    "STLS",
    "USER",
    "SASL PLAIN LOGIN",
    "EXPIRE 60",
    "LOGIN-DELAY 900 USER",
    "IMPLEMENTATION Example 1.0 (x)",
    "UTF8 USER",
    "LANG",
    "XCLIENT ADDR",
    "XOIP",
    "",
    "sasl cram-md5",
  ];
  assertEquals(filterCapabilities(lines, plainView), [
    "CAPA",
    "TOP",
    "UIDL",
    "RESP-CODES",
    "PIPELINING",
    "AUTH-RESP-CODE",
    "USER",
    "SASL PLAIN LOGIN",
    "EXPIRE 60",
    "LOGIN-DELAY 900 USER",
    "IMPLEMENTATION Example 1.0 (x)",
    "UTF8 USER",
    "LANG",
    "sasl cram-md5",
  ]);
});

Deno.test("filterCapabilities() offers STLS for itself alone", () => {
  assertEquals(filterCapabilities(["STLS", "TOP"], { ...plainView, offersStls: true }), ["TOP", "STLS"]);
  assertEquals(filterCapabilities(["STLS", "stls", "TOP"], plainView), ["TOP"]);
});

Deno.test("filterCapabilities() leaves out mechanisms that need the client's own TLS connection", () => {
  const line = "SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 scram-sha-1-plus EXTERNAL PLAIN";
  assertEquals(filterCapabilities([line], plainView), ["SASL SCRAM-SHA-256 PLAIN"]);
  assertEquals(filterCapabilities(["SASL SCRAM-SHA-1-PLUS"], plainView), []);
  assertEquals(filterCapabilities(["SASL"], plainView), ["SASL"]);
  assertEquals(passesThrough("NTLM"), true);
});

Deno.test("filterCapabilities() hides logins where they are refused", () => {
  const view = { offersStls: true, loginsRefused: true };
  assertEquals(filterCapabilities(["TOP", "USER", "SASL PLAIN", "UIDL"], view), ["TOP", "UIDL", "STLS"]);
  assertEquals(ownCapabilities(view), ["STLS"]);
  assertEquals(ownCapabilities({ offersStls: true, loginsRefused: false }), ["USER", "STLS"]);
});
