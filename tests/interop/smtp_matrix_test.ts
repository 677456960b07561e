import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeLatin1, encodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import type { ReadCapture } from "../peers/captures.ts";
import { passwordOf } from "../peers/dovecot.ts";
import { EXIM_PROGRAM, startExim } from "../peers/exim.ts";
import { AIOSMTPD_LIBRARY, startAiosmtpd, startNpmSmtpServer } from "../peers/keeping_server.ts";
import { OPENSMTPD_PROGRAM, startOpenSmtpd } from "../peers/opensmtpd.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { startDovecotSubmission, startPostfixWithLogins } from "../peers/postfix_with_dovecot.ts";
import { until } from "../peers/program.ts";
import { hashOf } from "../peers/same_mails.ts";
import { NODEMAILER, SMTP_CLIENTS, type SmtpClient } from "../peers/smtp_clients.ts";
import type { SmtpServer, SmtpServerOptions } from "../peers/smtp_server.ts";
import { needUnpacked } from "../peers/unpacked.ts";
import { forEachOf } from "./for_each_of.ts";
import { documentedTable, Outcomes, type Pairing, pairingsOf, proxiesByTarget } from "./matrix.ts";
import { type Stage, TLS_MODES, withStage } from "./stage.ts";

interface Contender {
  readonly name: string;
  readonly start: (options: SmtpServerOptions) => Promise<SmtpServer>;
  /** Whether clients log in. */
  readonly login: (pairing: Pairing) => boolean;
}

/** One mail that a client sends. */
interface Sending extends Pairing {
  readonly client: SmtpClient;
  /** Stands in the mail, and in no other. */
  readonly token: string;
  readonly login: boolean;
}

const USERS = ["anna", "ben"];
const CLIENTS: readonly SmtpClient[] = [...SMTP_CLIENTS, NODEMAILER];
const SERVERS: readonly Contender[] = [
  { name: "Postfix", start: startPostfixWithLogins, login: underStartTls },
  { name: "Exim", start: startExim, login: underStartTls },
  { name: "OpenSMTPD", start: startOpenSmtpd, login: (each) => underStartTls(each) && each.targetTls !== "none" },
  { name: "Dovecot", start: startDovecotSubmission, login: () => true },
  { name: "aiosmtpd", start: startAiosmtpd, login: () => false },
  { name: "smtp-server", start: startNpmSmtpServer, login: underStartTls },
];

const needs = [
  needPeerAsRoot("postfix", "dovecot", "openssl"),
  needUnpacked(EXIM_PROGRAM, OPENSMTPD_PROGRAM, AIOSMTPD_LIBRARY),
  needPeer(...SMTP_CLIENTS.map(({ binary }) => binary)),
];

Deno.test({
  ignore: needs.some(({ ignore }) => ignore),
  name: "each SMTP client with each server, through the proxy in every mix of clear text, STARTTLS and implicit TLS",
  fn: (t) =>
    withStage(async (stage, onEnd) => {
      const outcomes = new Outcomes(CLIENTS.map(({ name }) => name));
      for (const contender of SERVERS) {
        await t.step(contender.name, async () => {
          const folder = await stage.subfolder(contender.name);
          const server = onEnd(await contender.start({ folder, certificate: stage.certificate, users: USERS }));
          await contend(stage, contender, server, outcomes);
        });
      }
      await t.step("docs/interop.md says so", async () => {
        const table = outcomes.table(SERVERS.map(({ name }) => name));
        assertEquals(await documentedTable("SMTP", table), table);
      });
    }),
});

/** Sends from every client, then compares what the server and the captures hold. */
async function contend(
  stage: Stage,
  { name, login }: Contender,
  server: SmtpServer,
  outcomes: Outcomes,
): Promise<void> {
  const proxies = await proxiesByTarget(
    { port: server.smtpPort, tlsPort: server.smtpsPort },
    (targetTls, targetPort) => stage.smtpProxy({ name: `${name} ${targetTls}`, targetPort, targetTls }),
  );
  const sendings = CLIENTS.flatMap((client) =>
    pairingsOf(client.modes, TLS_MODES).map((pairing): Sending => ({
      client,
      ...pairing,
      token: [name, client.name.replaceAll(/\W/g, ""), pairing.listenTls, pairing.targetTls, "token"].join("-"),
      login: login(pairing),
    }))
  );
  await forEachOf(sendings, ({ token }) => token, async ({ client, token, login, listenTls, targetTls }) => {
    await client.send({
      port: proxies[targetTls][listenTls],
      tls: listenTls,
      caFile: stage.certificate.certFile,
      folder: stage.folder,
      mailFrom: "ben@company.example",
      recipients: ["Anna@company.example", "ben@company.example"],
      content: mailWith(token),
      ...(login ? { login: { username: "anna", password: passwordOf("anna") } } : {}),
    });
  });
  for (const user of USERS) {
    await until(async () => (await server.delivered(user)).length >= sendings.length, server.log);
  }
  const stored = await Promise.all(USERS.map((user) => server.delivered(user)));
  const captures = stage.captures().filter(({ report }) => report.proxy.name.startsWith(`${name} `));
  assertEquals([captures.length, ...stored.map(({ length }) => length)], new Array(3).fill(sendings.length));
  for (const sending of sendings) {
    const { token, client, targetTls } = sending;
    const [capture, ...others] = captures.filter(({ mail }) => decodeLatin1(mail).includes(token));
    assert(capture !== undefined && others.length === 0, `${token}: one capture`);
    for (const mails of stored) {
      assert(mails.some((mail) => equalBytes(mail, capture.mail)), `${token}: the server holds what the capture holds`);
    }
    assertEquals(capture.report.proxy.name, `${name} ${targetTls}`, token);
    await checkReport(sending, capture);
    outcomes.note(client.name, name, sending);
  }
}

function underStartTls({ listenTls }: Pairing): boolean {
  return listenTls === "starttls";
}

/** Lines of dots, trailing blanks, a long line, characters beyond ASCII. */
function mailWith(token: string): Uint8Array {
  return encodeUtf8([
    ...["From: Ben <ben@company.example>", "To: anna@company.example", "Date: Sat, 14 Nov 2026 02:00:07 +0100"],
    ...[`Message-ID: <${token}@company.example>`, `Subject: ${token}`, "MIME-Version: 1.0"],
    ...["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", ""],
    ...[`This is ${token}: Grüße`, "..two dots, and a line of one:", ".", "trailing blanks  ", "x".repeat(900)],
    ...["", "the end", ""],
  ].join("\r\n"));
}

async function checkReport({ token, listenTls, targetTls, login }: Sending, capture: ReadCapture): Promise<void> {
  const { report, mail } = capture;
  assertEquals(report.proxy.kind, "smtp", token);
  assertEquals(report.client.address, "127.0.0.1", token);
  assertEquals(report.client.tls !== null, listenTls !== "none", token);
  assertEquals(report.client.authenticatedAs, login ? "anna" : null, token);
  assertEquals(report.target.tls !== null, targetTls !== "none", token);
  assertMatch(report.target.tls?.version ?? "TLSv1.3", /^TLSv1\.[23]$/, token);
  assertEquals(report.outcome, "accepted", token);
  assertEquals(report.smtp?.mailFrom, "ben@company.example", token);
  const recipients = report.smtp?.recipients ?? [];
  assertEquals(recipients.map(({ address }) => address), ["Anna@company.example", "ben@company.example"], token);
  for (const { reply } of recipients) assertMatch(reply, /^250 /, token);
  assertEquals(report.smtp?.rejectedRecipients, [], token);
  assertMatch(report.smtp?.reply ?? "", /^250 /, token);
  assertEquals([report.mail.size, report.mail.sha256], [mail.length, await hashOf(mail)], token);
}
