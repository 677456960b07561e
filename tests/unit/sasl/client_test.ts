import { assertEquals, assertRejects } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { chooseMechanisms, createSaslClient } from "../../../src/sasl/client.ts";

const tim = { username: "tim", password: "tanstaaftanstaaf" };
const user = { username: "user", password: "pencil" };

Deno.test("chooseMechanisms() shows no password in clear text as long as it can", () => {
  assertEquals(chooseMechanisms(["LOGIN", "PLAIN", "cram-md5", "NTLM"], false), ["CRAM-MD5", "PLAIN", "LOGIN"]);
  assertEquals(chooseMechanisms(["LOGIN", "PLAIN", "CRAM-MD5"], true), ["PLAIN", "LOGIN", "CRAM-MD5"]);
  assertEquals(chooseMechanisms(["PLAIN", "SCRAM-SHA-256"], true), ["SCRAM-SHA-256", "PLAIN"]);
  assertEquals(chooseMechanisms(["NTLM", "SCRAM-SHA-256-PLUS"], true), []);
});

Deno.test("createSaslClient() PLAIN gives all at once and has no answer to a challenge", async () => {
  const client = createSaslClient("PLAIN", tim);
  assertEquals(client.initial, encodeUtf8("\0tim\0tanstaaftanstaaf"));
  await assertRejects(() => client.respond(new Uint8Array(0)), MailteeError);
});

Deno.test("createSaslClient() LOGIN answers name, then password, then nothing", async () => {
  const client = createSaslClient("LOGIN", tim);
  assertEquals(client.initial, null);
  assertEquals(decodeUtf8(await client.respond(encodeUtf8("Username:"))), "tim");
  assertEquals(decodeUtf8(await client.respond(encodeUtf8("Password:"))), "tanstaaftanstaaf");
  await assertRejects(() => client.respond(encodeUtf8("More:")), MailteeError);
});

Deno.test("createSaslClient() CRAM-MD5 answers the example of RFC 2195", async () => {
  const client = createSaslClient("CRAM-MD5", tim);
  const challenge = encodeUtf8("<1896.697170952@postoffice.reston.mci.net>");
  assertEquals(decodeUtf8(await client.respond(challenge)), "tim b913a602c7eda7a495b4e6e7334d3890");
  await assertRejects(() => client.respond(challenge), MailteeError);
});

const rfc7677 = {
  nonce: () => "rOprNGfwEbeRWgbNEkqO",
  serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  clientFinal: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

Deno.test("createSaslClient() SCRAM-SHA-256 speaks the example of RFC 7677", async () => {
  const client = createSaslClient("SCRAM-SHA-256", user, rfc7677.nonce);
  assertEquals(decodeUtf8(client.initial ?? new Uint8Array(0)), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  assertEquals(decodeUtf8(await client.respond(encodeUtf8(rfc7677.serverFirst))), rfc7677.clientFinal);
  assertEquals(client.complete, false);
  assertEquals(await client.respond(encodeUtf8(rfc7677.serverFinal)), new Uint8Array(0));
  assertEquals(client.complete, true);
});

Deno.test("createSaslClient() SCRAM-SHA-256 doesn't believe a server without its proof", async () => {
  for (const serverFinal of ["v=AAAA", "e=invalid-proof", "", rfc7677.serverFinal.toLowerCase()]) {
    const client = createSaslClient("SCRAM-SHA-256", user, rfc7677.nonce);
    await client.respond(encodeUtf8(rfc7677.serverFirst));
    await assertRejects(() => client.respond(encodeUtf8(serverFinal)), MailteeError, "couldn't prove");
    assertEquals(client.complete, false);
  }
});

Deno.test("createSaslClient() SCRAM-SHA-256 refuses a challenge that can't be right", async () => {
  const salt = "s=W22ZaJ0SNY7soEsUEjb6gQ==";
  const challenges = [
    `r=other,${salt},i=4096`,
    `r=rOprNGfwEbeRWgbNEkqO,${salt},i=4096`,
    `r=rOprNGfwEbeRWgbNEkqOx,s=%,i=4096`,
    `r=rOprNGfwEbeRWgbNEkqOx,i=4096`,
    `r=rOprNGfwEbeRWgbNEkqOx,${salt},i=1`,
    `r=rOprNGfwEbeRWgbNEkqOx,${salt},i=4096.5`,
    `r=rOprNGfwEbeRWgbNEkqOx,${salt},i=99999999`,
    `r=rOprNGfwEbeRWgbNEkqOx,${salt}`,
    "",
  ];
  for (const challenge of challenges) {
    const client = createSaslClient("SCRAM-SHA-256", user, rfc7677.nonce);
    await assertRejects(() => client.respond(encodeUtf8(challenge)), MailteeError, undefined, challenge);
  }
});

Deno.test("createSaslClient() SCRAM-SHA-256 escapes the name and makes a new nonce each time", () => {
  const [one, two] = [1, 2].map(() => {
    const client = createSaslClient("SCRAM-SHA-256", { username: "a=b,c", password: "x" });
    return decodeUtf8(client.initial ?? new Uint8Array(0));
  });
  assertEquals(one?.startsWith("n,,n=a=3Db=2Cc,r="), true);
  assertEquals(/,r=[\x21-\x2b\x2d-\x7e]{32}$/.test(one ?? ""), true);
  assertEquals(one === two, false);
});
