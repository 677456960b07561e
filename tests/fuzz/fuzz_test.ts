import { assert, assertEquals, assertRejects } from "@std/assert";
import { asBlock } from "./pop3_target.ts";
import { mailsRetrieved } from "./pop3_reading.ts";
import { fuzzSession, KINDS } from "./sessions.ts";
import { readConversation } from "./smtp_onlooker.ts";
import { normalized } from "./smtp_reading.ts";

const SESSIONS = 60 * KINDS;

Deno.test("fuzzSession() finds what was sent, received and kept to be the same, from every state of a session", async () => {
  let mails = 0;
  for (let seed = 1; seed <= SESSIONS; seed++) mails += (await fuzzSession(seed)).mails;
  assert(mails > SESSIONS / 3, `only ${mails} mails came through`);
});

Deno.test("fuzzSession() takes whole numbers only", async () => {
  await assertRejects(() => fuzzSession(0.5), RangeError);
});

Deno.test("readConversation() reads mails by DATA and BDAT, and only those that were accepted", () => {
  const said = [
    ...["EHLO x", "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>", "RCPT TO:<no@x.example>", "DATA"],
    ...["..one", ".", "MAIL FROM:<c@x.example>", "RCPT TO:<d@x.example>", "DATA", "refused", ".", "RSET"],
    ...["MAIL FROM:<>", "RCPT TO:<e@x.example>", "BDAT 4 LAST", "twoQUIT", ""],
  ].join("\r\n").replace("twoQUIT", "two!QUIT");
  const codes = [220, 250, 250, 250, 550, 354, 250, 250, 250, 354, 554, 250, 250, 250, 250, 221];
  const heard = codes.map((code) => `${code} x\r\n`).join("");
  assertEquals(readConversation(said, heard, { lmtp: false, ownLogins: false }).mails, [
    { from: "a@x.example", to: ["b@x.example"], content: ".one\r\n", user: null },
    { from: "", to: ["e@x.example"], content: "two!", user: null },
  ]);
});

Deno.test("normalized() takes one dot after CRLF, and none after any other newline", () => {
  assertEquals(normalized("..a\n..b\r..c\r\n..d\r\n\0.e\r\n"), ".a\r\n..b\r\n..c\r\n.d\r\n.e\r\n");
});

Deno.test("mailsRetrieved() reads what RETR gave, beside other blocks", () => {
  const heard = `+OK\r\n+OK\r\n1 5\r\n.\r\n-ERR\r\n+OK\r\n${asBlock(".a\r\n..\r\n")}+OK\r\ncut`;
  assertEquals(mailsRetrieved("LIST\r\nRETR 9\r\nRETR 1\r\nRETR 1\r\n", heard), [{
    number: 1,
    content: ".a\r\n..\r\n",
  }]);
});
