import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { sampleMails } from "../../src/demo/samples/samples.ts";
import type { TlsMode } from "../../src/net/types.ts";
import { COURIER_PROGRAM, startCourier } from "../peers/courier.ts";
import { passwordOf, startDovecot } from "../peers/dovecot.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { NODE_POP3, POP3_CLIENTS, type Pop3Client } from "../peers/pop3_clients.ts";
import { assertSameMails } from "../peers/same_mails.ts";
import { needUnpacked } from "../peers/unpacked.ts";
import { documentedTable, note, type Outcomes, pairsOfModes, tableOf } from "./matrix.ts";
import { type PortsByMode, type Stage, TLS_MODES, withStage } from "./stage.ts";

const USER = "anna";
const CLIENTS: readonly Pop3Client[] = [...POP3_CLIENTS, NODE_POP3];
const SERVERS = ["Dovecot", "Courier"];

Deno.test({
  ignore: needPeerAsRoot("dovecot", "openssl").ignore || needUnpacked(COURIER_PROGRAM).ignore ||
    needPeer(...POP3_CLIENTS.map(({ binary }) => binary)).ignore,
  name: "each POP3 client with each server, through the proxy: the client gets what the captures hold",
  fn: (t) =>
    withStage(async (stage, onEnd) => {
      const { certificate } = stage;
      const outcomes: Outcomes = new Map(CLIENTS.map(({ name }) => [name, new Map()]));
      const mails = mailbox();
      await t.step("Dovecot", async () => {
        const folder = await stage.subfolder("dovecot");
        const dovecot = onEnd(await startDovecot({ folder, certificate, users: [USER] }));
        await dovecot.put(USER, mails);
        await contend(stage, "Dovecot", dovecot, mails, outcomes);
      });
      await t.step("Courier", async () => {
        const folder = await stage.subfolder("courier");
        // Courier wraps mails that aren't ASCII, for clients that don't ask for UTF8 (RFC 6856).
        const ascii = mails.filter((mail) => mail.every((byte) => byte < 0x80));
        const courier = onEnd(await startCourier({ folder, certificate, users: [USER], mails: ascii }));
        await contend(stage, "Courier", courier, ascii, outcomes);
      });
      await t.step("docs/interop.md says so", async () => {
        const table = tableOf(outcomes, SERVERS);
        assertEquals(await documentedTable("POP3", table), table);
      });
    }),
});

async function contend(
  stage: Stage,
  name: string,
  server: { readonly pop3Port: number; readonly pop3sPort: number },
  mails: readonly Uint8Array[],
  outcomes: Outcomes,
): Promise<void> {
  const proxies = new Map<TlsMode, PortsByMode>();
  for (const targetTls of TLS_MODES) {
    const targetPort = targetTls === "implicit" ? server.pop3sPort : server.pop3Port;
    proxies.set(targetTls, await stage.pop3Proxy({ name: `${name} ${targetTls}`, targetPort, targetTls }));
  }
  for (const client of CLIENTS) {
    for (const { listenTls, targetTls } of pairsOfModes(client.modes, true)) {
      const label = [client.name, name, listenTls, targetTls].join(" ");
      const before = new Set(stage.captures().map((capture) => capture.name));
      const fetched = await client.fetch({
        port: proxies.get(targetTls)?.[listenTls] ?? 0,
        tls: listenTls,
        caFile: stage.certificate.certFile,
        folder: await stage.subfolder(label.replaceAll(/\W/g, "-")),
        username: USER,
        password: passwordOf(USER),
      });
      assertEquals(fetched.length, mails.length, label);
      if (client.writesAnew !== true) await assertSameMails(fetched, mails, `${label}: what the client got`);
      const captures = stage.captures().filter((capture) => !before.has(capture.name));
      await assertSameMails(captures.map(({ mail }) => mail), mails, `${label}: what the captures hold`);
      note(outcomes, client.name, name, listenTls, targetTls);
    }
  }
}

/** The small samples, and mails that end in odd ways. */
function mailbox(): Uint8Array[] {
  return [
    ...sampleMails().map(({ content }) => content).filter((content) => content.length < 100_000),
    encodeUtf8("Subject: a header and nothing else\r\n\r\n"),
    encodeUtf8("Subject: dots\r\n\r\n.\r\n..\r\n.end\r\n\r\n"),
  ];
}
