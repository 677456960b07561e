import { assert, assertEquals } from "@std/assert";
import { decodeLatin1, encodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import type { TlsMode } from "../../src/net/types.ts";
import { passwordOf, startDovecot } from "../peers/dovecot.ts";
import { EXIM_PROGRAM, startExim } from "../peers/exim.ts";
import { AIOSMTPD_LIBRARY, startAiosmtpd, startNpmSmtpServer } from "../peers/keeping_server.ts";
import { OPENSMTPD_PROGRAM, startOpenSmtpd } from "../peers/opensmtpd.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { startPostfix } from "../peers/postfix.ts";
import { until } from "../peers/program.ts";
import { NODEMAILER, SMTP_CLIENTS, type SmtpClient } from "../peers/smtp_clients.ts";
import type { SmtpServer, SmtpServerOptions } from "../peers/smtp_server.ts";
import { needUnpacked } from "../peers/unpacked.ts";
import { documentedTable, note, type Outcomes, pairsOfModes, tableOf } from "./matrix.ts";
import { type PortsByMode, type Stage, TLS_MODES, withStage } from "./stage.ts";

interface Contender {
  readonly name: string;
  readonly start: (options: SmtpServerOptions) => Promise<SmtpServer>;
  /** Takes a login. */
  readonly auth: boolean;
}

const USERS = ["anna", "ben"];
const CLIENTS: readonly SmtpClient[] = [...SMTP_CLIENTS, NODEMAILER];
const SERVERS: readonly Contender[] = [
  { name: "Postfix", start: startPostfixWithLogins, auth: true },
  { name: "Exim", start: startExim, auth: true },
  { name: "OpenSMTPD", start: startOpenSmtpd, auth: false },
  { name: "aiosmtpd", start: startAiosmtpd, auth: false },
  { name: "smtp-server", start: startNpmSmtpServer, auth: true },
];

Deno.test({
  ...mergeNeeds(
    needPeerAsRoot("postfix", "dovecot", "openssl"),
    needUnpacked(EXIM_PROGRAM, OPENSMTPD_PROGRAM, AIOSMTPD_LIBRARY),
    needPeer(...SMTP_CLIENTS.map(({ binary }) => binary)),
  ),
  name: "each SMTP client with each server, through the proxy: the server holds what the captures hold",
  fn: (t) =>
    withStage(async (stage, onEnd) => {
      const outcomes: Outcomes = new Map(CLIENTS.map(({ name }) => [name, new Map()]));
      for (const contender of SERVERS) {
        await t.step(contender.name, async () => {
          const folder = await stage.subfolder(contender.name);
          const server = onEnd(await contender.start({ folder, certificate: stage.certificate, users: USERS }));
          await contend(stage, contender, server, outcomes);
        });
      }
      await t.step("docs/interop.md says so", async () => {
        const table = tableOf(outcomes, SERVERS.map(({ name }) => name));
        assertEquals(await documentedTable("SMTP", table), table);
      });
    }),
});

/** Sends from every client, then compares. */
async function contend(stage: Stage, { name, auth }: Contender, server: SmtpServer, outcomes: Outcomes): Promise<void> {
  const proxies = new Map<TlsMode, PortsByMode>();
  for (const targetTls of server.smtpsPort === null ? ["none" as const] : TLS_MODES) {
    const targetPort = targetTls === "implicit" ? server.smtpsPort ?? 0 : server.smtpPort;
    proxies.set(targetTls, await stage.smtpProxy({ name: `${name} ${targetTls}`, targetPort, targetTls }));
  }
  const before = stage.captures().length;
  const sent: { client: string; token: string; listenTls: TlsMode; targetTls: TlsMode }[] = [];
  for (const client of CLIENTS) {
    for (const { listenTls, targetTls } of pairsOfModes(TLS_MODES, server.smtpsPort !== null)) {
      const token = `token-${name}-${sent.length}-`;
      await client.send({
        port: proxies.get(targetTls)?.[listenTls] ?? 0,
        tls: listenTls,
        caFile: stage.certificate.certFile,
        folder: stage.folder,
        mailFrom: "ben@company.example",
        recipients: ["anna@company.example"],
        content: mailWith(token),
        ...(auth && listenTls === "starttls" ? { login: { username: "anna", password: passwordOf("anna") } } : {}),
      });
      sent.push({ client: client.name, token, listenTls, targetTls });
    }
  }
  await until(async () => (await server.delivered("anna")).length >= sent.length, server.log);
  const stored = await server.delivered("anna");
  const captures = stage.captures();
  assertEquals([stored.length, captures.length - before], [sent.length, sent.length], name);
  for (const { client, token, listenTls, targetTls } of sent) {
    const [capture] = captures.filter(({ mail }) => decodeLatin1(mail).includes(token));
    assert(capture !== undefined, `${client} to ${name}, ${listenTls}, ${targetTls}: no capture`);
    assert(stored.some((mail) => equalBytes(mail, capture.mail)), `${client} to ${name}: the copy differs`);
    assertEquals(capture.report.client.tls !== null, listenTls !== "none", `${client} to ${name}`);
    assertEquals(capture.report.target.tls !== null, targetTls !== "none", `${client} to ${name}`);
    note(outcomes, client, name, listenTls, targetTls);
  }
}

/** Lines of dots, trailing blanks, a long line, characters beyond ASCII. */
function mailWith(token: string): Uint8Array {
  return encodeUtf8([
    ...["From: ben@company.example", "To: anna@company.example", "Date: Sat, 14 Nov 2026 02:00:07 +0100"],
    ...[`Message-ID: <${token}@company.example>`, `Subject: ${token}`, "MIME-Version: 1.0"],
    ...["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", "Grüße"],
    ...["..two dots", ".", "trailing blanks  ", "x".repeat(900), "", "the end", ""],
  ].join("\r\n"));
}

/** Postfix asks Dovecot about logins. */
async function startPostfixWithLogins(options: SmtpServerOptions): Promise<SmtpServer> {
  const dovecotFolder = `${options.folder}/dovecot`;
  const postfixFolder = `${options.folder}/postfix`;
  for (const path of [dovecotFolder, postfixFolder]) await Deno.mkdir(path, { mode: 0o755 });
  const dovecot = await startDovecot({ ...options, folder: dovecotFolder });
  try {
    const postfix = await startPostfix({ ...options, folder: postfixFolder, authPort: dovecot.authPort });
    return {
      ...postfix,
      stop: async () => {
        await postfix.stop();
        await dovecot.stop();
      },
    };
  } catch (error) {
    await dovecot.stop();
    throw error;
  }
}

function mergeNeeds(...needs: readonly { readonly ignore: boolean }[]): { readonly ignore: boolean } {
  return { ignore: needs.some(({ ignore }) => ignore) };
}
