import { assertEquals } from "@std/assert";
import { decodeLatin1, encodeUtf8 } from "../../src/base/bytes.ts";
import { startDovecot } from "../peers/dovecot.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { assertSameMails } from "../peers/same_mails.ts";
import { SMTP_CLIENTS } from "../peers/smtp_clients.ts";
import { forEachOf } from "./for_each_of.ts";
import { documentedTable, Outcomes, pairingsOf, proxiesByTarget } from "./matrix.ts";
import { TLS_MODES, withStage } from "./stage.ts";

const CLIENTS = SMTP_CLIENTS.filter(({ name }) => ["swaks", "msmtp"].includes(name));
const USERS = ["anna", "ben"];

Deno.test({
  ignore: needPeerAsRoot("dovecot", "openssl").ignore || needPeer(...CLIENTS.map(({ binary }) => binary)).ignore,
  name: "LMTP clients and Dovecot, through the proxy in every mix of clear text, STARTTLS and implicit TLS",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const folder = await stage.subfolder("dovecot");
      const dovecot = onEnd(await startDovecot({ folder, certificate: stage.certificate, users: USERS }));
      const proxies = await proxiesByTarget(
        { port: dovecot.lmtpPort, tlsPort: dovecot.lmtpsPort },
        (targetTls, targetPort) => stage.smtpProxy({ name: targetTls, kind: "lmtp", targetPort, targetTls }),
      );
      const runs = CLIENTS.flatMap((client) =>
        pairingsOf(client.modes, TLS_MODES).map((pairing) => ({
          client,
          pairing,
          token: [client.name, pairing.listenTls, pairing.targetTls, "token"].join("-"),
        }))
      );
      await forEachOf(runs, ({ token }) => token, async ({ client, pairing: { listenTls, targetTls }, token }) => {
        await client.send({
          port: proxies[targetTls][listenTls],
          protocol: "lmtp",
          tls: listenTls,
          caFile: stage.certificate.certFile,
          folder: stage.folder,
          mailFrom: "sender@other.example",
          recipients: USERS.map((user) => `${user}@company.example`),
          content: encodeUtf8(`From: sender@other.example\r\nSubject: ${token}\r\n\r\nGrüße\r\n.\r\n..\r\n\r\nend\r\n`),
        });
      });
      const captures = stage.captures();
      const mails = captures.map(({ mail }) => mail);
      for (const user of USERS) await assertSameMails(await dovecot.delivered(user), mails, user);
      const outcomes = new Outcomes(CLIENTS.map(({ name }) => name));
      for (const { client, pairing, token } of runs) {
        const reports = captures.filter(({ mail }) => decodeLatin1(mail).includes(token)).map(({ report }) => report);
        assertEquals(reports.length, 1, token);
        for (const report of reports) {
          assertEquals([report.proxy.kind, report.proxy.name], ["lmtp", pairing.targetTls], token);
          assertEquals(report.smtp?.recipients.map(({ address }) => address.split("@")[0]), USERS, token);
          assertEquals(report.client.tls !== null, pairing.listenTls !== "none", token);
          assertEquals(report.target.tls !== null, pairing.targetTls !== "none", token);
        }
        outcomes.note(client.name, "Dovecot", pairing);
      }
      const table = outcomes.table(["Dovecot"]);
      assertEquals(await documentedTable("LMTP", table), table);
    }),
});
