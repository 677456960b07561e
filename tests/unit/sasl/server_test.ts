import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { beginSaslExchange, saslServerStep } from "../../../src/sasl/server.ts";

/** What the steps of an exchange say, a challenge as "? text". */
function talk(mechanism: string, ...responses: (string | null)[]): string[] {
  let exchange = beginSaslExchange(mechanism);
  const said: string[] = [];
  for (const response of responses) {
    if (exchange === null) return [...said, "over"];
    const step = saslServerStep(exchange, response === null ? null : encodeUtf8(response));
    if (step.kind === "credentials") said.push(`${step.credentials.username}/${step.credentials.password}`);
    else said.push(step.kind === "challenge" ? `? ${decodeUtf8(step.challenge)}` : step.kind);
    exchange = step.kind === "challenge" ? step.exchange : null;
  }
  return said;
}

Deno.test("saslServerStep() speaks PLAIN", () => {
  assertEquals(talk("PLAIN", "\0anna\0open sesame"), ["anna/open sesame"]);
  assertEquals(talk("plain", null, "\0anna\0x"), ["? ", "anna/x"]);
  assertEquals(talk("PLAIN", "anna\0anna\0"), ["anna/"]);
  for (const bad of ["", "anna", "\0anna", "ben\0anna\0x", "\0anna\0x\0"]) {
    assertEquals(talk("PLAIN", bad), ["malformed"]);
  }
});

Deno.test("saslServerStep() speaks LOGIN", () => {
  assertEquals(talk("LOGIN", null, "anna", "x"), ["? Username:", "? Password:", "anna/x"]);
  assertEquals(talk("LOGIN", "anna", "x"), ["? Password:", "anna/x"]);
  assertEquals(talk("LOGIN", null, "", ""), ["? Username:", "? Password:", "/"]);
});

Deno.test("beginSaslExchange() has no others", () => {
  for (const mechanism of ["CRAM-MD5", "", "PLAINS"]) assertEquals(beginSaslExchange(mechanism), null);
});
