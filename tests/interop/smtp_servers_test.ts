import { assertEquals, assertMatch } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { sampleMails } from "../../src/demo/samples/samples.ts";
import { submitMails } from "../../src/demo/smtp_client.ts";
import { passwordOf, startDovecot } from "../peers/dovecot.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { POSTFIX_MAX_MAIL_BYTES, startPostfix } from "../peers/postfix.ts";
import { runOrFail, until } from "../peers/program.ts";
import { assertSameMails } from "../peers/same_mails.ts";
import { startSmtpSink } from "../peers/smtp_sink.ts";
import { withStage } from "./stage.ts";

Deno.test({
  ...needPeer("smtp-source", "smtp-sink", "openssl"),
  name: "smtp-source to smtp-sink: 400 mails over 20 connections, each once and unchanged",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const sink = onEnd(await startSmtpSink(await stage.subfolder("sink")));
      const ports = await stage.smtpProxy({ name: "load", targetPort: sink.port, targetTls: "none" });
      await runOrFail("smtp-source", {
        args: [
          ...["-m", "400", "-s", "20", "-l", "3000", "-d", "-f", "a@b.example", "-t", "c@d.example"],
          `127.0.0.1:${ports.none}`,
        ],
      });
      const captures = stage.captures();
      assertEquals(captures.length, 400);
      assertEquals(new Set(captures.map(({ report }) => report.id)).size, 400);
      await assertSameMails(captures.map(({ mail }) => mail), sink.mails(), "captures and smtp-sink");
    }),
});

Deno.test({
  ...needPeerAsRoot("postfix", "dovecot", "openssl"),
  name: "Postfix takes every sample from a proxy that logs in, the large one too, and refuses what it refuses",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const { certificate } = stage;
      const users = ["anna"];
      const dovecot = onEnd(await startDovecot({ folder: await stage.subfolder("dovecot"), certificate, users }));
      const { authPort } = dovecot;
      const postfix = onEnd(
        await startPostfix({ folder: await stage.subfolder("postfix"), certificate, users, authPort }),
      );
      const ports = await stage.smtpProxy({
        name: "logs in",
        targetPort: postfix.smtpPort,
        targetTls: "starttls",
        credentials: { username: "anna", password: { reveal: () => passwordOf("anna") } },
      });
      const recipients = ["anna@company.example", "nobody@company.example"];
      const samples = sampleMails().map((sample) => ({ ...sample, recipients }));
      const results = await Array.fromAsync(submitMails(ports.none, samples));
      assertEquals(results.map(({ accepted }) => accepted), samples.map(() => true));
      const captures = stage.captures();
      await assertSameMails(captures.map(({ mail }) => mail), samples.map(({ content }) => content), "captures");
      await until(async () => await postfix.deliveredCount("anna") === samples.length, postfix.log);
      await assertSameMails(await postfix.delivered("anna"), samples.map(({ content }) => content), "Postfix");
      assertMatch(postfix.log(), /sasl_method=\S+, sasl_username=anna/);
      for (const { report } of captures) {
        assertEquals(report.smtp?.recipients.map(({ address }) => address), ["anna@company.example"]);
        assertEquals(report.smtp?.rejectedRecipients.map(({ address }) => address), ["nobody@company.example"]);
        assertMatch(report.smtp?.rejectedRecipients[0]?.reply ?? "", /^550 5\.1\.1 /);
      }
      const tooLarge = { mailFrom: "a@b.example", params: [], recipients, content: oversize() };
      const [refused] = await Array.fromAsync(submitMails(ports.none, [tooLarge]));
      assertEquals(refused?.accepted, false);
      assertMatch(refused?.reply ?? "", /^552 /);
      assertEquals(stage.captures().length, samples.length);
    }),
});

Deno.test({
  ...needPeerAsRoot("dovecot", "openssl"),
  ...needPeer("swaks"),
  name: "swaks to Dovecot by LMTP: one answer for each recipient, one capture",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const { certificate } = stage;
      const folder = await stage.subfolder("dovecot");
      const dovecot = onEnd(await startDovecot({ folder, certificate, users: ["anna", "ben"] }));
      const ports = await stage.smtpProxy({
        name: "lmtp",
        kind: "lmtp",
        targetPort: dovecot.lmtpPort,
        targetTls: "none",
      });
      const recipients = ["anna@company.example", "nobody@company.example", "ben@company.example"];
      await runOrFail("swaks", {
        args: [
          ...["--protocol", "LMTP", "--server", "127.0.0.1", "--port", String(ports.none), "--hide-all"],
          ...["--from", "sender@other.example", "--to", recipients.join(","), "--body", "by LMTP"],
        ],
      });
      const [capture, ...others] = stage.captures();
      assertEquals(others.length, 0);
      assertEquals(capture?.report.proxy.kind, "lmtp");
      assertEquals(
        capture?.report.smtp?.recipients.map(({ address }) => address),
        ["anna@company.example", "ben@company.example"],
      );
      for (const user of ["anna", "ben"]) {
        await assertSameMails(await dovecot.delivered(user), capture === undefined ? [] : [capture.mail], user);
      }
    }),
});

function oversize(): Uint8Array {
  const line = `${"A".repeat(68)}\r\n`;
  return encodeUtf8(line.repeat(POSTFIX_MAX_MAIL_BYTES / line.length + 10));
}
