import { assertEquals, assertMatch } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { sampleMails } from "../../src/demo/samples/samples.ts";
import type { ReadCapture } from "../peers/captures.ts";
import { COURIER_PROGRAM, startCourier } from "../peers/courier.ts";
import { passwordOf, startDovecot } from "../peers/dovecot.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { NODE_POP3, POP3_CLIENTS, type Pop3Client } from "../peers/pop3_clients.ts";
import { assertSameMails } from "../peers/same_mails.ts";
import { needUnpacked } from "../peers/unpacked.ts";
import { forEachOf } from "./for_each_of.ts";
import { documentedTable, Outcomes, type Pairing, pairingsOf, proxiesByTarget } from "./matrix.ts";
import { type Stage, TLS_MODES, withStage } from "./stage.ts";

/** One mailbox that a client fetches. */
interface Fetching extends Pairing {
  readonly client: Pop3Client;
  /** Has a mailbox for this fetching alone, so that its captures can be told from others. */
  readonly user: string;
}

const CLIENTS: readonly Pop3Client[] = [...POP3_CLIENTS, NODE_POP3];
const SERVERS = ["Dovecot", "Courier"];
const FETCHINGS: readonly Fetching[] = CLIENTS.flatMap((client) =>
  pairingsOf(client.modes, TLS_MODES).map((pairing) => {
    const name = client.name.replaceAll(/\W/g, "").toLowerCase();
    return { client, ...pairing, user: `${name}-${pairing.listenTls}-${pairing.targetTls}` };
  })
);
const USERS = FETCHINGS.map(({ user }) => user);

const needs = [
  needPeerAsRoot("dovecot", "openssl"),
  needUnpacked(COURIER_PROGRAM),
  needPeer(...POP3_CLIENTS.map(({ binary }) => binary)),
];

Deno.test({
  ignore: needs.some(({ ignore }) => ignore),
  name: "each POP3 client with each server, through the proxy in every mix of clear text, STLS and implicit TLS",
  fn: (t) =>
    withStage(async (stage, onEnd) => {
      const { certificate } = stage;
      const outcomes = new Outcomes(CLIENTS.map(({ name }) => name));
      const mails = mailbox();
      await t.step("Dovecot", async () => {
        const folder = await stage.subfolder("dovecot");
        const dovecot = onEnd(await startDovecot({ folder, certificate, users: USERS }));
        for (const user of USERS) await dovecot.put(user, mails);
        await contend(stage, "Dovecot", dovecot, mails, outcomes);
      });
      await t.step("Courier", async () => {
        const folder = await stage.subfolder("courier");
        // Courier wraps mails that aren't ASCII, for clients that don't ask for UTF8 (RFC 6856).
        const ascii = mails.filter((mail) => mail.every((byte) => byte < 0x80));
        const courier = onEnd(await startCourier({ folder, certificate, users: USERS, mails: ascii }));
        await contend(stage, "Courier", courier, ascii, outcomes);
      });
      await t.step("docs/interop.md says so", async () => {
        const table = outcomes.table(SERVERS);
        assertEquals(await documentedTable("POP3", table), table);
      });
    }),
});

/** Fetches with every client, then compares what it got with what the captures hold. */
async function contend(
  stage: Stage,
  name: string,
  server: { readonly pop3Port: number; readonly pop3sPort: number },
  mails: readonly Uint8Array[],
  outcomes: Outcomes,
): Promise<void> {
  const proxies = await proxiesByTarget(
    { port: server.pop3Port, tlsPort: server.pop3sPort },
    (targetTls, targetPort) => stage.pop3Proxy({ name: `${name} ${targetTls}`, targetPort, targetTls }),
  );
  await forEachOf(FETCHINGS, ({ user }) => user, async ({ client, user, listenTls, targetTls }) => {
    const fetched = await client.fetch({
      port: proxies[targetTls][listenTls],
      tls: listenTls,
      caFile: stage.certificate.certFile,
      folder: await stage.subfolder(`${name}-${user}`),
      username: user,
      password: passwordOf(user),
    });
    assertEquals(fetched.length, mails.length);
    if (client.writesAnew !== true) await assertSameMails(fetched, mails, "what the client got");
  });
  const captures = stage.captures();
  for (const fetching of FETCHINGS) {
    const { client, user, targetTls } = fetching;
    const own = captures.filter(({ report }) =>
      report.proxy.name === `${name} ${targetTls}` && report.pop3?.user === user
    );
    await assertSameMails(own.map(({ mail }) => mail), mails, `${name}, ${user}: what the captures hold`);
    checkReports(own, fetching);
    outcomes.note(client.name, name, fetching);
  }
}

/** The samples but for the large one, and mails that end in odd ways. */
function mailbox(): Uint8Array[] {
  return [
    ...sampleMails().map(({ content }) => content).filter((content) => content.length < 1_000_000),
    encodeUtf8("Subject: a header and nothing else\r\n\r\n"),
    encodeUtf8(`Subject: a long line\r\n\r\n${"y".repeat(2000)}\r\n`),
    encodeUtf8("Subject: dots, and empty lines at the end\r\n\r\n.\r\n..\r\n.end\r\n\r\n\r\n"),
  ];
}

function checkReports(captures: readonly ReadCapture[], { user, listenTls, targetTls }: Fetching): void {
  assertEquals(new Set(captures.map(({ report }) => report.pop3?.uidl)).size, captures.length, user);
  for (const { report, mail } of captures) {
    assertEquals(report.proxy.kind, "pop3", user);
    assertEquals(report.client.tls !== null, listenTls !== "none", user);
    assertEquals(report.target.tls !== null, targetTls !== "none", user);
    assertEquals(report.outcome, "retrieved", user);
    assertMatch(report.pop3?.uidl ?? "", /^[!-~]{1,70}$/, user);
    assertEquals(report.mail.size, mail.length, user);
  }
}
