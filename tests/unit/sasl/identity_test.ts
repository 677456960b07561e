import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { authenticationIdentity } from "../../../src/sasl/identity.ts";

const table: readonly [mechanism: string, response: string, identity: string | null][] = [
  ["PLAIN", "\0anna\0secret", "anna"],
  ["plain", "other\0anna\0secret", "anna"],
  ["PLAIN", "\0\0secret", null],
  ["PLAIN", "anna", null],
  ["LOGIN", "anna@a.example", "anna@a.example"],
  ["CRAM-MD5", "tim b913a602c7eda7a495b4e6e7334d3890", "tim"],
  ["CRAM-MD5", "tim and tom b913a602c7eda7a495b4e6e7334d3890", "tim and tom"],
  ["CRAM-MD5", "tim", null],
  ["DIGEST-MD5", 'charset=utf-8,username="ch\\"ris",realm="x"', 'ch"ris'],
  ["SCRAM-SHA-1", "n,,n=user,r=fyko", "user"],
  ["SCRAM-SHA-256", "n,a=admin,n=us=2Cer=3D2C,r=fyko", "us,er=2C"],
  ["SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=fyko", "user"],
  ["SCRAM-SHA-256", "garbage", null],
  ["XOAUTH2", "user=anna@a.example\x01auth=Bearer token\x01\x01", "anna@a.example"],
  ["XOAUTH2", "auth=Bearer token\x01\x01", null],
  ["OAUTHBEARER", "n,a=anna@a.example,\x01host=x\x01auth=Bearer token\x01\x01", "anna@a.example"],
  ["OAUTHBEARER", "n,,\x01auth=Bearer token\x01\x01", null],
  ["NTLM", "NTLMSSP\0", null],
  ["EXTERNAL", "anna", null],
];

for (const [mechanism, response, identity] of table) {
  Deno.test(`authenticationIdentity() of ${mechanism} ${JSON.stringify(response)}`, () => {
    assertEquals(authenticationIdentity(mechanism, encodeUtf8(response).toBase64()), identity);
  });
}

Deno.test("authenticationIdentity() is null for what isn't base64 or UTF-8", () => {
  assertEquals(authenticationIdentity("LOGIN", "%%%"), null);
  assertEquals(authenticationIdentity("LOGIN", "/w=="), null);
  assertEquals(authenticationIdentity("LOGIN", "="), null);
  assertEquals(authenticationIdentity("LOGIN", "*"), null);
});
