/** Random mails through a proxy to servers of other makers: what they read is what the captures hold, and what was sent. */

import { assert, assertEquals } from "@std/assert";
import { withStage } from "../interop/stage.ts";
import { AIOSMTPD_LIBRARY, startAiosmtpd } from "../peers/keeping_server.ts";
import { needPeer } from "../peers/peer.ts";
import { assertSameMails } from "../peers/same_mails.ts";
import { SmtpLineClient } from "../peers/smtp_line_client.ts";
import { startSmtpSink } from "../peers/smtp_sink.ts";
import { needUnpacked } from "../peers/unpacked.ts";
import { bytesOf } from "../unit/pop3/memory_connection.ts";
import { Random } from "./random.ts";
import { mailText } from "./smtp_input.ts";
import { dataOf, normalized } from "./smtp_reading.ts";

const MAILS = 300;
const SEED = 1;

Deno.test({
  ...needUnpacked(AIOSMTPD_LIBRARY),
  name: `${MAILS} random mails are to aiosmtpd what they are to the captures`,
  fn: () =>
    withStage(async (stage, onEnd) => {
      const folder = await stage.subfolder("server");
      const server = onEnd(await startAiosmtpd({ folder, certificate: stage.certificate, users: [] }));
      const { none: port } = await stage.smtpProxy({ name: "fuzz", targetPort: server.smtpPort, targetTls: "none" });
      const sent = await sendRandomMails(port, new Random(SEED), { kind: "smtp", without: "" });
      const captures = stage.captures().map(({ mail }) => mail);
      await assertSameMails(captures, sent, "captures and what was sent");
      await assertSameMails(await server.delivered("anna"), captures, "aiosmtpd and captures");
    }),
});

for (const kind of ["smtp", "lmtp"] as const) {
  Deno.test({
    ...needPeer("smtp-sink", "openssl"),
    name: `${MAILS} random mails are to smtp-sink what they are to the captures: ${kind}`,
    fn: () =>
      withStage(async (stage, onEnd) => {
        const sink = onEnd(await startSmtpSink(await stage.subfolder("sink"), kind));
        const proxy = { name: "fuzz", kind, targetPort: sink.port, targetTls: "none" } as const;
        const { none: port } = await stage.smtpProxy(proxy);
        const sent = await sendRandomMails(port, new Random(SEED + 1), { kind, without: "\0" });
        const captures = stage.captures().map(({ mail }) => mail);
        await assertSameMails(captures, sent, "captures and what was sent");
        await assertSameMails(sink.mails(), captures, "smtp-sink and captures");
      }),
  });
}

interface Sending {
  /** LMTP: to two recipients, with an answer for each. */
  readonly kind: "smtp" | "lmtp";
  /** An octet that the server's dump doesn't show. */
  readonly without: string;
}

/** Sends mails in one session; gives what the program has to make of those that were accepted. */
async function sendRandomMails(port: number, random: Random, { kind, without }: Sending): Promise<Uint8Array[]> {
  const client = await SmtpLineClient.connect(port);
  const sent: Uint8Array[] = [];
  try {
    await client.say(`${kind === "lmtp" ? "LHLO" : "EHLO"} client.company.example\r\n`);
    for (let count = 0; count < MAILS; count++) {
      const data = dataOf(`Subject: ${count}\r\n\r\n${mailText(random).replaceAll(without, "")}\r\n.\r\n`);
      assert(data !== null);
      await client.say("MAIL FROM:<a@x.example>\r\n");
      await client.say("RCPT TO:<anna@x.example>\r\n");
      if (kind === "lmtp") await client.say("RCPT TO:<ben@x.example>\r\n");
      await client.say("DATA\r\n");
      const reply = await client.say(`${data.raw}.\r\n`);
      if (kind === "lmtp") assertEquals((await client.say("")).slice(0, 3), reply.slice(0, 3));
      if (reply.startsWith("250")) sent.push(bytesOf(normalized(data.raw)));
    }
    await client.say("QUIT\r\n");
  } finally {
    client.close();
  }
  assert(sent.length > MAILS * 0.9, `only ${sent.length} mails were taken`);
  return sent;
}
