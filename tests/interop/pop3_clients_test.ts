import { assertEquals, assertMatch } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { sampleMails } from "../../src/demo/samples/samples.ts";
import type { TlsMode } from "../../src/net/types.ts";
import type { ReadCapture } from "../peers/captures.ts";
import { passwordOf, startDovecot } from "../peers/dovecot.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { POP3_CLIENTS } from "../peers/pop3_clients.ts";
import { assertSameMails } from "../peers/same_mails.ts";
import { type PortsByMode, TLS_MODES, withStage } from "./stage.ts";

const USER = "anna";

Deno.test({
  ...needPeerAsRoot("dovecot", "openssl"),
  name: "POP3 clients and Dovecot, through the proxy in every mix of clear text, STLS and implicit TLS",
  fn: (t) =>
    withStage(async (stage, onEnd) => {
      const { certificate } = stage;
      const dovecot = onEnd(
        await startDovecot({ folder: await stage.subfolder("dovecot"), certificate, users: [USER] }),
      );
      const mails = mailbox();
      await dovecot.put(USER, mails);
      const start = (targetTls: TlsMode): Promise<PortsByMode> =>
        stage.pop3Proxy({
          name: targetTls,
          targetPort: targetTls === "implicit" ? dovecot.pop3sPort : dovecot.pop3Port,
          targetTls,
        });
      const proxies = {
        none: await start("none"),
        starttls: await start("starttls"),
        implicit: await start("implicit"),
      };
      for (const client of POP3_CLIENTS) {
        await t.step({
          ...needPeer(client.binary),
          name: client.name,
          fn: async () => {
            for (const listenTls of client.modes) {
              for (const targetTls of TLS_MODES) {
                const label = [client.name, listenTls, targetTls].join(" ");
                const before = new Set(stage.captures().map(({ name }) => name));
                const fetched = await client.fetch({
                  port: proxies[targetTls][listenTls],
                  tls: listenTls,
                  caFile: certificate.certFile,
                  folder: await stage.subfolder(label.replaceAll(/\W/g, "-")),
                  username: USER,
                  password: passwordOf(USER),
                });
                assertEquals(fetched.length, mails.length, label);
                if (client.writesAnew !== true) await assertSameMails(fetched, mails, `${label}: what the client got`);
                const captures = stage.captures().filter(({ name }) => !before.has(name));
                await assertSameMails(captures.map(({ mail }) => mail), mails, `${label}: what the captures hold`);
                checkReports(captures, listenTls, targetTls, label);
              }
            }
          },
        });
      }
    }),
});

/** The samples but for the large one, and mails that end in odd ways. */
function mailbox(): Uint8Array[] {
  return [
    ...sampleMails().map(({ content }) => content).filter((content) => content.length < 1_000_000),
    encodeUtf8("Subject: a header and nothing else\r\n\r\n"),
    encodeUtf8(`Subject: a long line\r\n\r\n${"y".repeat(2000)}\r\n`),
    encodeUtf8("Subject: empty lines at the end\r\n\r\nx\r\n\r\n\r\n"),
  ];
}

function checkReports(captures: readonly ReadCapture[], listenTls: TlsMode, targetTls: TlsMode, label: string): void {
  assertEquals(new Set(captures.map(({ report }) => report.pop3?.uidl)).size, captures.length, label);
  for (const { report, mail } of captures) {
    assertEquals(report.proxy.kind, "pop3", label);
    assertEquals(report.proxy.name, targetTls, label);
    assertEquals(report.client.tls !== null, listenTls !== "none", label);
    assertEquals(report.target.tls !== null, targetTls !== "none", label);
    assertEquals(report.outcome, "retrieved", label);
    assertEquals(report.pop3?.user, USER, label);
    assertMatch(report.pop3?.uidl ?? "", /^[!-~]{1,70}$/, label);
    assertEquals(report.mail.size, mail.length, label);
  }
}
