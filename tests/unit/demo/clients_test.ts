import { assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { startMailServer } from "../../../src/demo/mail_server.ts";
import { fetchMails } from "../../../src/demo/pop3_client.ts";
import { sampleMails } from "../../../src/demo/samples/samples.ts";
import { submitMails } from "../../../src/demo/smtp_client.ts";

const BEN = { username: "ben", password: "battery", addresses: ["ben@company.example"] };

Deno.test("submitMails() and fetchMails() bring every sample byte for byte to the server and back", async () => {
  const server = startMailServer({ accounts: [BEN] });
  try {
    const mails = sampleMails().map((sample) => ({ ...sample, recipients: ["ben@company.example"] }));
    const results = await Array.fromAsync(submitMails(server.smtpPort, mails));
    assertEquals(results.map(({ accepted }) => accepted), mails.map(() => true));
    assertEquals(server.mailboxes.accepted.map(({ mailFrom }) => mailFrom), mails.map(({ mailFrom }) => mailFrom));
    const fetched = await Array.fromAsync(fetchMails(server.pop3Port, { ...BEN, delete: true }));
    assertEquals(fetched.map(({ content }) => content), mails.map(({ content }) => content));
    assertEquals(new Set(fetched.map(({ uidl }) => uidl)).size, mails.length);
    assertEquals(server.mailboxes.of("ben"), []);
  } finally {
    await server.close();
  }
});

Deno.test("submitMails() tells what the server refused, and goes on with the next mail", async () => {
  const refuseRecipient = (address: string) => address.startsWith("gone") ? "550 5.1.1 No such user" : null;
  const server = startMailServer({ accounts: [BEN], refuseRecipient, maxMailBytes: 100 });
  try {
    const mail = {
      mailFrom: "a@b.example",
      params: [],
      recipients: ["ben@company.example"],
      content: encodeUtf8("x\r\n"),
    };
    const results = await Array.fromAsync(submitMails(server.smtpPort, [
      { ...mail, recipients: ["gone@b.example", "ben@company.example"] },
      { ...mail, recipients: ["gone@b.example"] },
      { ...mail, params: ["SIZE=101"] },
      { ...mail, content: new Uint8Array(200).fill(65) },
      mail,
    ]));
    const rejected = [{ address: "gone@b.example", reply: "550 5.1.1 No such user" }];
    assertEquals(results, [
      { accepted: true, reply: "250 2.0.0 Ok: mail 1", rejected },
      { accepted: false, reply: "550 5.1.1 No such user", rejected },
      { accepted: false, reply: "552 5.3.4 Mail too large", rejected: [] },
      { accepted: false, reply: "552 5.3.4 Mail too large", rejected: [] },
      { accepted: true, reply: "250 2.0.0 Ok: mail 2", rejected: [] },
    ]);
  } finally {
    await server.close();
  }
});

Deno.test("fetchMails() tells of a refused login without the password", async () => {
  const server = startMailServer({ accounts: [BEN] });
  try {
    const error = await assertRejects(
      () => Array.fromAsync(fetchMails(server.pop3Port, { ...BEN, password: "hunter2" })),
      Error,
    );
    assertEquals(error.message, "The server answers PASS with: -ERR [AUTH] User name or password is wrong");
  } finally {
    await server.close();
  }
});
