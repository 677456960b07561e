import { assertEquals, assertMatch } from "@std/assert";
import type { TlsMode } from "../../src/net/types.ts";
import type { AnnounceClient } from "../../src/smtp/options.ts";
import { passwordOf, startDovecot } from "../peers/dovecot.ts";
import { needPeerAsRoot } from "../peers/peer.ts";
import { startPostfix } from "../peers/postfix.ts";
import { runOrFail, runProgram, until } from "../peers/program.ts";
import { withStage } from "./stage.ts";

/** Where the client connects from; the proxy itself is at 127.0.0.1. */
const CLIENT = "127.0.0.5";
const MAIL = new TextEncoder().encode("Subject: hello\r\n\r\nHi.\r\n");

/** The way, the settings by which Postfix trusts the proxy, and how its log then shows the client. */
const WAYS: readonly [way: AnnounceClient, settings: Readonly<Record<string, string>>, logged: RegExp][] = [
  ["xclient", { smtpd_authorized_xclient_hosts: "127.0.0.1" }, /: client=unknown\[127\.0\.0\.5\]/],
  ["xforward", { smtpd_authorized_xforward_hosts: "127.0.0.1" }, /orig_client=unknown\[127\.0\.0\.5\]/],
  ["proxy", { smtpd_upstream_proxy_protocol: "haproxy" }, /: client=\S*\[127\.0\.0\.5\]/],
];

/** Sends a mail from an address of this machine; rejects with what curl says where it isn't taken. */
function sendFrom(address: string, port: number): Promise<unknown> {
  return runOrFail("curl", {
    args: [
      ...["--silent", "--show-error", "--interface", address, "--mail-from", "a@b.example"],
      ...["--mail-rcpt", "anna@company.example", "--upload-file", "-", `smtp://localhost:${port}/client.example`],
    ],
    stdin: MAIL,
  });
}

for (const [way, settings, logged] of WAYS) {
  Deno.test({
    ...needPeerAsRoot("postfix", "curl", "openssl"),
    name: `Postfix hears by ${way} who the client is, in clear text, STARTTLS and implicit TLS`,
    fn: () =>
      withStage(async (stage, onEnd) => {
        const { certificate } = stage;
        const folder = await stage.subfolder("postfix");
        const postfix = onEnd(await startPostfix({ folder, certificate, users: ["anna"], settings }));
        for (const targetTls of ["none", "starttls", "implicit"] satisfies TlsMode[]) {
          const targetPort = targetTls === "implicit" ? postfix.smtpsPort : postfix.smtpPort;
          const ports = await stage.smtpProxy({ name: targetTls, announceClient: way, targetPort, targetTls });
          const before = postfix.log().length;
          await sendFrom(CLIENT, ports.none);
          await until(() => logged.test(postfix.log().slice(before)), () => `${targetTls}:\n${postfix.log()}`);
        }
        assertEquals(stage.captures().length, 3);
      }),
  });
}

Deno.test({
  ...needPeerAsRoot("postfix", "curl", "openssl"),
  name: "Postfix's rules are for the client that XCLIENT names, and the client hears them",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const postfix = onEnd(
        await startPostfix({
          folder: await stage.subfolder("postfix"),
          certificate: stage.certificate,
          users: ["anna"],
          settings: {
            smtpd_authorized_xclient_hosts: "127.0.0.1",
            smtpd_client_restrictions: "check_client_access inline:{127.0.0.5=REJECT}",
            smtpd_delay_reject: "no",
          },
        }),
      );
      const ports = await stage.smtpProxy({
        name: "rules",
        announceClient: "xclient",
        targetPort: postfix.smtpPort,
        targetTls: "none",
      });
      const refused = await sendFrom(CLIENT, ports.none).catch(String);
      assertMatch(String(refused), /5\d\d/);
      await sendFrom("127.0.0.6", ports.none);
      assertEquals(stage.captures().map(({ report }) => report.client.address), ["127.0.0.6"]);
    }),
});

Deno.test({
  ...needPeerAsRoot("dovecot", "curl", "openssl"),
  name: "Dovecot hears by a PROXY header who the client is, in clear text, STLS and implicit TLS",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const { certificate } = stage;
      const folder = await stage.subfolder("dovecot");
      const dovecot = onEnd(await startDovecot({ folder, certificate, users: ["anna"] }));
      await dovecot.put("anna", [MAIL]);
      for (const targetTls of ["none", "starttls", "implicit"] satisfies TlsMode[]) {
        const targetPort = targetTls === "implicit" ? dovecot.balancedPop3sPort : dovecot.balancedPop3Port;
        const ports = await stage.pop3Proxy({ name: targetTls, announceClient: "proxy", targetPort, targetTls });
        const before = dovecot.log().length;
        await runProgram("curl", {
          args: [
            ...["--silent", "--interface", CLIENT, "--user", `anna:${passwordOf("anna")}`],
            `pop3://localhost:${ports.none}/1`,
          ],
        });
        await until(() => /Login: .*rip=127\.0\.0\.5/.test(dovecot.log().slice(before)), dovecot.log);
      }
      assertEquals(stage.captures().length, 3);
    }),
});
