import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { scryptSync } from "node:crypto";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import {
  hashPassword,
  impossibleHash,
  parsePasswordHash,
  type PasswordHash,
  verifyPassword,
} from "../../../src/sasl/password_hash.ts";

function parsed(text: string): PasswordHash {
  const hash = parsePasswordHash(text);
  assert(hash !== null, text);
  return hash;
}

/** A hash made by node's own scrypt. */
function cheap(password: string): string {
  const salt = encodeUtf8("sixteen octets!!");
  const hash = new Uint8Array(scryptSync(password, salt, 32, { N: 16, r: 8, p: 1 }));
  return `$scrypt$ln=4,r=8,p=1$${salt.toBase64({ omitPadding: true })}$${hash.toBase64({ omitPadding: true })}`;
}

Deno.test("hashPassword() makes a hash that only its password fits, with a salt of its own", async () => {
  const [one, two] = [await hashPassword("open sesame"), await hashPassword("open sesame")];
  assertMatch(one, /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assertNotEquals(one, two);
  assertEquals(await verifyPassword("open sesame", parsed(one)), true);
  assertEquals(await verifyPassword("open sesame ", parsed(one)), false);
});

Deno.test("verifyPassword() takes hashes of other parameters, and one password in any Unicode form", async () => {
  assertEquals(await verifyPassword("b\u00e4r", parsed(cheap("b\u00e4r"))), true);
  assertEquals(await verifyPassword("ba\u0308r", parsed(cheap("b\u00e4r"))), true);
  assertEquals(await verifyPassword("", parsed(cheap("b\u00e4r"))), false);
});

Deno.test("impossibleHash() is as costly, and no password's", async () => {
  const hash = parsed(cheap("x"));
  const impossible = impossibleHash(hash);
  assertEquals([impossible.costLog2, impossible.blockSize, impossible.hash.length], [4, 8, 32]);
  assertEquals(await verifyPassword("x", impossible), false);
});

Deno.test("parsePasswordHash() refuses what is no hash, and what would cost too much", () => {
  const rest = cheap("x").split("$").slice(3).join("$");
  assertEquals(parsePasswordHash(`$scrypt$ln=17,r=8,p=1$${rest}`)?.costLog2, 17);
  const bad = [
    "",
    "open sesame",
    "$2b$12$abcdefghijklmnopqrstuv",
    `$scrypt$ln=18,r=8,p=1$${rest}`,
    `$scrypt$ln=99,r=8,p=1$${rest}`,
    `$scrypt$ln=4,r=8,p=17$${rest}`,
    `$scrypt$ln=0,r=8,p=1$${rest}`,
    `$scrypt$ln=4,r=8$${rest}`,
    "$scrypt$ln=4,r=8,p=1$abc$def",
    `$scrypt$ln=4,r=8,p=1$${rest} `,
  ];
  for (const text of bad) assertEquals(parsePasswordHash(text), null, text);
});
