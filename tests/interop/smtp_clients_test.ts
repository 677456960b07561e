import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeLatin1, encodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import type { TlsMode } from "../../src/net/types.ts";
import type { ReadCapture } from "../peers/captures.ts";
import { passwordOf, startDovecot } from "../peers/dovecot.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { type Postfix, startPostfix } from "../peers/postfix.ts";
import { until } from "../peers/program.ts";
import { hashOf } from "../peers/same_mails.ts";
import { SMTP_CLIENTS } from "../peers/smtp_clients.ts";
import { type PortsByMode, TLS_MODES, withStage } from "./stage.ts";

/** One mail that a client sent. */
interface Sending {
  readonly token: string;
  readonly listenTls: TlsMode;
  readonly targetTls: TlsMode;
  readonly authenticated: boolean;
}

Deno.test({
  ...needPeerAsRoot("postfix", "dovecot", "openssl"),
  name: "SMTP clients and Postfix, through the proxy in every mix of clear text, STARTTLS and implicit TLS",
  fn: (t) =>
    withStage(async (stage, onEnd) => {
      const users = ["anna", "ben"];
      const { certificate } = stage;
      const dovecot = onEnd(await startDovecot({ folder: await stage.subfolder("dovecot"), certificate, users }));
      const postfix = onEnd(
        await startPostfix({
          folder: await stage.subfolder("postfix"),
          certificate,
          users,
          authPort: dovecot.authPort,
        }),
      );
      const proxies = await proxiesByTarget((targetTls) =>
        stage.smtpProxy({
          name: targetTls,
          targetPort: targetTls === "implicit" ? postfix.smtpsPort : postfix.smtpPort,
          targetTls,
        })
      );
      const sendings: Sending[] = [];
      for (const client of SMTP_CLIENTS) {
        await t.step({
          ...needPeer(client.binary),
          name: client.name,
          fn: async () => {
            for (const listenTls of TLS_MODES) {
              for (const targetTls of TLS_MODES) {
                const authenticated = listenTls === "starttls";
                const token = [client.binary, listenTls, targetTls].join("-");
                await client.send({
                  port: proxies[targetTls][listenTls],
                  tls: listenTls,
                  caFile: certificate.certFile,
                  folder: stage.folder,
                  mailFrom: "ben@company.example",
                  recipients: ["Anna@Company.example", "ben@company.example"],
                  content: mailWith(token),
                  ...(authenticated ? { login: { username: "anna", password: passwordOf("anna") } } : {}),
                });
                sendings.push({ token, listenTls, targetTls, authenticated });
              }
            }
          },
        });
      }
      await t.step("what Postfix holds is what the captures hold, and their reports are right", async () => {
        await checkCaptures(sendings, stage.captures(), postfix);
      });
    }),
});

async function proxiesByTarget(start: (targetTls: TlsMode) => Promise<PortsByMode>): Promise<
  Readonly<Record<TlsMode, PortsByMode>>
> {
  return { none: await start("none"), starttls: await start("starttls"), implicit: await start("implicit") };
}

/** Lines of dots, trailing blanks, a long line, characters beyond ASCII. */
function mailWith(token: string): Uint8Array {
  return encodeUtf8([
    "From: Ben <ben@company.example>",
    "To: anna@company.example",
    "Date: Sat, 14 Nov 2026 02:00:07 +0100",
    `Message-ID: <${token}@company.example>`,
    `Subject: ${token}`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    `This is ${token}: Grüße`,
    "..two dots, and a line of one:",
    ".",
    "trailing blanks  ",
    "x".repeat(900),
    "",
    "the end",
    "",
  ].join("\r\n"));
}

async function checkCaptures(
  sendings: readonly Sending[],
  captures: readonly ReadCapture[],
  postfix: Postfix,
): Promise<void> {
  assert(sendings.length > 0);
  await until(async () => await postfix.deliveredCount("anna") >= sendings.length, postfix.log);
  const stored = await postfix.delivered("anna");
  assertEquals([stored.length, captures.length], [sendings.length, sendings.length]);
  for (const sending of sendings) {
    const [capture, ...others] = captures.filter(({ mail }) => decodeLatin1(mail).includes(sending.token));
    assert(capture !== undefined && others.length === 0, `${sending.token}: one capture`);
    assert(stored.some((mail) => equalBytes(mail, capture.mail)), `${sending.token}: the same at Postfix`);
    await checkReport(sending, capture);
  }
}

async function checkReport(
  { token, listenTls, targetTls, authenticated }: Sending,
  capture: ReadCapture,
): Promise<void> {
  const { report, mail } = capture;
  assertEquals(report.proxy.kind, "smtp", token);
  assertEquals(report.proxy.name, targetTls, token);
  assertEquals(report.client.address, "127.0.0.1", token);
  assertEquals(report.client.tls !== null, listenTls !== "none", token);
  assertEquals(report.client.authenticatedAs, authenticated ? "anna" : null, token);
  assertEquals(report.target.tls !== null, targetTls !== "none", token);
  assertMatch(report.target.tls?.version ?? "TLSv1.3", /^TLSv1\.[23]$/, token);
  assertEquals(report.outcome, "accepted", token);
  assertEquals(report.smtp?.mailFrom, "ben@company.example", token);
  assertEquals(
    report.smtp?.recipients.map(({ address, reply }) => [address, reply]),
    [["Anna@Company.example", "250 2.1.5 Ok"], ["ben@company.example", "250 2.1.5 Ok"]],
    token,
  );
  assertEquals(report.smtp?.rejectedRecipients, [], token);
  assertMatch(report.smtp?.reply ?? "", /^250 2\.0\.0 Ok: queued as /, token);
  assertEquals(report.mail.size, mail.length, token);
  assertEquals(report.mail.sha256, await hashOf(mail), token);
}
