import { assertEquals, assertMatch } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { type MailServer, type MailServerOptions, startMailServer } from "../../../src/demo/mail_server.ts";
import { Wire } from "../../../src/demo/wire.ts";

const ANNA = { username: "m12345-1", password: "correct horse", addresses: ["anna@company.example"] };
const BEN = { username: "ben", password: "battery", addresses: ["ben@company.example", "info@company.example"] };
const MAIL = encodeUtf8("Subject: dots\r\n\r\n.\r\n..two\r\nbare\nLF\r\n");

Deno.test("startMailServer() keeps a mail byte for byte in the mailbox of every recipient, once each", async () => {
  await withServer({}, async (server) => {
    await dialog(server.smtpPort, [
      ["", "220 "],
      ["EHLO client.example", "250-"],
      ["MAIL FROM:<Sender@Other.example> BODY=8BITMIME SIZE=40", "250 "],
      ["RCPT TO:<Anna@Company.Example> NOTIFY=NEVER", "250 "],
      ["RCPT TO:<ben@company.example>", "250 "],
      ["RCPT TO:<info@company.example>", "250 "],
      ["RCPT TO:<nobody@elsewhere.example>", "250 "],
      ["DATA", "354 "],
      [MAIL, "250 "],
      ["QUIT", "221 "],
    ]);
    const [mail] = server.mailboxes.accepted;
    assertEquals(mail, {
      number: 1,
      mailFrom: "Sender@Other.example",
      params: ["BODY=8BITMIME", "SIZE=40"],
      recipients: ["Anna@Company.Example", "ben@company.example", "info@company.example", "nobody@elsewhere.example"],
      authenticatedAs: null,
      content: MAIL,
    });
    assertEquals(server.mailboxes.of("m12345-1").length, 1);
    assertEquals(server.mailboxes.of("ben").length, 1);
    assertEquals(server.mailboxes.of("nobody@elsewhere.example").length, 1);
  });
});

Deno.test("startMailServer() keeps the order of SMTP, and forgets a transaction at RSET", async () => {
  await withServer({}, async (server) => {
    await dialog(server.smtpPort, [
      ["", "220 "],
      ["MAIL FROM:<>", "503 "],
      ["EHLO", "501 "],
      ["HELO client.example", "250 "],
      ["RCPT TO:<a@b.example>", "503 "],
      ["MAIL TO:<a@b.example>", "501 "],
      ["MAIL FROM:<>", "250 "],
      ["MAIL FROM:<>", "503 "],
      ["DATA", "554 "],
      ['RCPT TO:<"odd > one"@b.example>', "250 "],
      ["RSET", "250 "],
      ["DATA", "503 "],
      ["FROB", "500 "],
      ["NOOP", "250 "],
      ["VRFY a", "252 "],
      ["HELP", "214 "],
      ["QUIT", "221 "],
    ]);
    assertEquals(server.mailboxes.accepted, []);
  });
});

Deno.test("startMailServer() refuses what it was told to refuse, and mails over its size", async () => {
  const refuseRecipient = (address: string) => address.startsWith("gone@") ? "550 5.1.1 No such user" : null;
  await withServer({ refuseRecipient, maxMailBytes: 30 }, async (server) => {
    await dialog(server.smtpPort, [
      ["", "220 "],
      ["EHLO client.example", "250-"],
      ["MAIL FROM:<a@b.example> SIZE=31", "552 "],
      ["MAIL FROM:<a@b.example>", "250 "],
      ["RCPT TO:<gone@company.example>", "550 5.1.1 No such user"],
      ["RCPT TO:<ben@company.example>", "250 "],
      ["DATA", "354 "],
      [encodeUtf8(`${"x".repeat(29)}\r\n`), "552 "],
      ["QUIT", "221 "],
    ]);
    assertEquals(server.mailboxes.accepted, []);
  });
});

Deno.test("startMailServer() takes AUTH PLAIN and LOGIN in every form", async () => {
  const plain = btoa(`\0${ANNA.username}\0${ANNA.password}`);
  const [name, password] = [btoa(ANNA.username), btoa(ANNA.password)];
  const forms: readonly (readonly (readonly [string, string])[])[] = [
    [[`AUTH PLAIN ${plain}`, "235 "]],
    [["AUTH plain", "334 "], [plain, "235 "]],
    [["AUTH LOGIN", "334 VXNlcm5hbWU6"], [name, "334 UGFzc3dvcmQ6"], [password, "235 "]],
    [[`AUTH LOGIN ${name}`, "334 UGFzc3dvcmQ6"], [password, "235 "], ["AUTH PLAIN", "503 "]],
    [["AUTH LOGIN", "334 "], ["*", "501 "], [`AUTH PLAIN ${plain}`, "235 "]],
    [[`AUTH PLAIN ${btoa("\0ben\0wrong")}`, "535 "], ["AUTH PLAIN ???", "501 "], [`AUTH PLAIN ${plain}`, "235 "]],
    [["AUTH CRAM-MD5", "504 "], [`AUTH PLAIN ${plain}`, "235 "]],
  ];
  await withServer({ requireAuthentication: true }, async (server) => {
    for (const form of forms) {
      await dialog(server.smtpPort, [
        ["", "220 "],
        ["EHLO client.example", "250-"],
        ["MAIL FROM:<anna@company.example>", "530 "],
        ...form,
        ["MAIL FROM:<anna@company.example>", "250 "],
        ["RCPT TO:<a@b.example>", "250 "],
        ["DATA", "354 "],
        [MAIL, "250 "],
        ["QUIT", "221 "],
      ]);
    }
    assertEquals(server.mailboxes.accepted.map((mail) => mail.authenticatedAs), forms.map(() => ANNA.username));
  });
});

Deno.test("startMailServer() answers pipelined commands in order", async () => {
  await withServer({}, async (server) => {
    const { wire, close } = await connect(server.smtpPort);
    await wire.writeLines("EHLO c.example", "MAIL FROM:<>", "RCPT TO:<ben@company.example>", "DATA");
    await wire.writeBlock(MAIL);
    await wire.writeLines("QUIT");
    const codes: string[] = [];
    for (let line = await wire.readLine(); line !== null; line = await wire.readLine()) {
      if (line[3] === " ") codes.push(line.slice(0, 3));
    }
    assertEquals(codes, ["220", "250", "250", "250", "354", "250", "221"]);
    close();
  });
});

Deno.test("startMailServer() serves by POP3 what SMTP brought, and deletes at QUIT only", async () => {
  await withServer({}, async (server) => {
    deliver(server, MAIL);
    deliver(server, encodeUtf8("Subject: two\r\n\r\none\r\ntwo\r\n\r\nthree\r\n"));
    const { wire, close } = await connect(server.pop3Port);
    const ask = async (command: string) => {
      await wire.writeLines(command);
      return await wire.readLine() ?? "";
    };
    const askBlock = async (command: string) => {
      assertMatch(await ask(command), /^\+OK/);
      return new TextDecoder().decode(await wire.readBlock() ?? Uint8Array.of(0));
    };
    assertMatch(await wire.readLine() ?? "", /^\+OK/);
    assertMatch(await ask("STAT"), /^-ERR/);
    await ask("USER ben");
    assertMatch(await ask("PASS wrong"), /^-ERR \[AUTH\]/);
    await ask("USER ben");
    assertEquals(await ask("PASS battery"), "+OK 2 mails");
    assertMatch(await ask("USER ben"), /^-ERR/);
    assertMatch(await askBlock("CAPA"), /^(TOP|USER|UIDL|PIPELINING|RESP-CODES|AUTH-RESP-CODE|\r\n)+$/);
    assertEquals(await ask("STAT"), `+OK 2 ${MAIL.length + 35}`);
    assertEquals(await askBlock("LIST"), `1 ${MAIL.length}\r\n2 35\r\n`);
    assertEquals(await ask("LIST 2"), "+OK 2 35");
    assertEquals(await askBlock("UIDL"), "1 demo-000001\r\n2 demo-000002\r\n");
    assertEquals(await ask("UIDL 2"), "+OK 2 demo-000002");
    assertEquals(await askBlock("RETR 1"), new TextDecoder().decode(MAIL));
    assertEquals(await askBlock("TOP 2 0"), "Subject: two\r\n\r\n");
    assertEquals(await askBlock("TOP 2 2"), "Subject: two\r\n\r\none\r\ntwo\r\n");
    assertEquals(await askBlock("TOP 2 99"), "Subject: two\r\n\r\none\r\ntwo\r\n\r\nthree\r\n");
    for (const command of ["RETR 0", "RETR 3", "RETR", "LIST x", "TOP 3 1", "FROB"]) {
      assertMatch(await ask(command), /^-ERR/, command);
    }
    assertEquals(await ask("DELE 1"), "+OK");
    assertMatch(await ask("RETR 1"), /^-ERR/);
    assertEquals(await askBlock("LIST"), "2 35\r\n");
    assertEquals(await ask("RSET"), "+OK");
    assertEquals(await ask("NOOP"), "+OK");
    assertEquals(await ask("DELE 2"), "+OK");
    assertEquals(server.mailboxes.of("ben").length, 2);
    assertMatch(await ask("QUIT"), /^\+OK/);
    assertEquals(await wire.readLine(), null);
    assertEquals(server.mailboxes.of("ben").map((mail) => mail.number), [1]);
    close();
  });
});

Deno.test("startMailServer() keeps nothing of a session that breaks off", async () => {
  await withServer({}, async (server) => {
    deliver(server, MAIL);
    const smtp = await connect(server.smtpPort);
    await smtp.wire.writeLines("EHLO c.example", "MAIL FROM:<>", "RCPT TO:<ben@company.example>", "DATA", "Subject: x");
    for (let line = ""; !line.startsWith("354 ");) line = await smtp.wire.readLine() ?? "";
    smtp.close();
    const pop3 = await connect(server.pop3Port);
    await pop3.wire.writeLines("USER ben", "PASS battery", "DELE 1", "NOOP");
    for (let replies = 0; replies < 5; replies++) await pop3.wire.readLine();
    pop3.close();
    await server.close();
    assertEquals(server.mailboxes.of("ben").length, 1);
  });
});

async function withServer(
  options: Partial<MailServerOptions>,
  use: (server: MailServer) => Promise<void>,
): Promise<void> {
  const server = startMailServer({ accounts: [ANNA, BEN], ...options });
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

function deliver(server: MailServer, content: Uint8Array<ArrayBuffer>): void {
  const envelope = { mailFrom: "a@b.example", params: [], recipients: ["ben@company.example"], authenticatedAs: null };
  server.mailboxes.deliver({ ...envelope, content });
}

async function connect(port: number): Promise<{ wire: Wire; close(): void }> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  return { wire: new Wire(connection), close: () => connection.close() };
}

/** Sends each command (or mail) and checks how its reply begins; "" sends nothing, for the greeting. */
async function dialog(port: number, turns: readonly (readonly [string | Uint8Array, string])[]): Promise<void> {
  const { wire, close } = await connect(port);
  try {
    for (const [send, expected] of turns) {
      if (typeof send !== "string") await wire.writeBlock(send);
      else if (send !== "") await wire.writeLines(send);
      let line = await wire.readLine() ?? "(end of stream)";
      assertEquals(line.slice(0, expected.length), expected, `after ${send}: ${line}`);
      while (line[3] === "-") line = await wire.readLine() ?? "";
    }
    assertEquals(await wire.readLine(), null);
  } finally {
    close();
  }
}
