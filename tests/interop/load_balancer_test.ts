import { assertEquals } from "@std/assert";
import { sampleMails } from "../../src/demo/samples/samples.ts";
import { parseAddressList } from "../../src/net/address_list.ts";
import { passwordOf, startDovecot } from "../peers/dovecot.ts";
import { SEND_PROXY_WAYS, startHaProxy } from "../peers/haproxy.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { runOrFail } from "../peers/program.ts";
import { assertSameMails } from "../peers/same_mails.ts";
import { startSmtpSink } from "../peers/smtp_sink.ts";
import { withStage } from "./stage.ts";

/** Where the client connects from; HAProxy itself is at 127.0.0.1. */
const CLIENT = "127.0.0.5";
const loadBalancers = parseAddressList(["127.0.0.1"]);
const [sample] = sampleMails();

Deno.test({
  ...needPeer("haproxy", "smtp-sink", "curl", "openssl"),
  name: "HAProxy before an SMTP proxy: allowFrom and report go by the client, in clear text, STARTTLS and implicit TLS",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const sink = onEnd(await startSmtpSink(await stage.subfolder("sink")));
      const choice = { targetPort: sink.port, targetTls: "none", loadBalancers } as const;
      const ports = await stage.smtpProxy({ name: "balanced", allowFrom: [CLIENT], ...choice });
      const haproxy = onEnd(
        await startHaProxy(await stage.subfolder("haproxy"), [ports.none, ports.starttls, ports.implicit]),
      );
      let mails = 0;
      for (const way of SEND_PROXY_WAYS) {
        for (const [index, tls] of [[], ["--ssl-reqd"], []].entries()) {
          const scheme = index === 2 ? "smtps" : "smtp";
          await runOrFail("curl", {
            args: [
              ...["--silent", "--show-error", "--interface", CLIENT, "--cacert", stage.certificate.certFile, ...tls],
              ...["--mail-from", "a@b.example", "--mail-rcpt", "c@d.example", "--upload-file", "-"],
              `${scheme}://localhost:${haproxy.port(way, index)}/client.company.example`,
            ],
            stdin: sample?.content ?? new Uint8Array(0),
          });
          mails++;
        }
      }
      const captures = stage.captures();
      assertEquals(captures.map(({ report }) => report.client.address), new Array(mails).fill(CLIENT));
      await assertSameMails(captures.map(({ mail }) => mail), sink.mails(), "captures and smtp-sink");
    }),
});

Deno.test({
  ...needPeerAsRoot("haproxy", "dovecot", "curl", "openssl"),
  name: "HAProxy before a POP3 proxy: the report names the client, in clear text, STLS and implicit TLS",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const { certificate } = stage;
      const folder = await stage.subfolder("dovecot");
      const dovecot = onEnd(await startDovecot({ folder, certificate, users: ["anna"] }));
      await dovecot.put("anna", [sample?.content ?? new Uint8Array(0)]);
      const choice = { targetPort: dovecot.pop3Port, targetTls: "none", loadBalancers } as const;
      const ports = await stage.pop3Proxy({ name: "balanced", ...choice });
      const haproxy = onEnd(
        await startHaProxy(await stage.subfolder("haproxy"), [ports.none, ports.starttls, ports.implicit]),
      );
      let mails = 0;
      for (const way of SEND_PROXY_WAYS) {
        for (const [index, tls] of [[], ["--ssl-reqd"], []].entries()) {
          const scheme = index === 2 ? "pop3s" : "pop3";
          await runOrFail("curl", {
            args: [
              ...["--silent", "--show-error", "--interface", CLIENT, "--cacert", certificate.certFile, ...tls],
              ...["--user", `anna:${passwordOf("anna")}`],
              `${scheme}://localhost:${haproxy.port(way, index)}/1`,
            ],
          });
          mails++;
        }
      }
      assertEquals(stage.captures().map(({ report }) => report.client.address), new Array(mails).fill(CLIENT));
    }),
});
