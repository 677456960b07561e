import { assert, assertEquals } from "@std/assert";
import { decodeUtf8 } from "../../src/base/bytes.ts";
import { startMailServer } from "../../src/demo/mail_server.ts";
import { needPeer } from "../peers/peer.ts";
import { runOrFail } from "../peers/program.ts";
import { withStage } from "./stage.ts";

Deno.test({
  ...needPeer("sslscan", "openssl"),
  name: "sslscan finds TLS 1.2 and 1.3 on the listeners, authenticated encryption with forward secrecy, nothing else",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const server = startMailServer({ accounts: [] });
      onEnd({ stop: () => server.close() });
      const smtp = await stage.smtpProxy({ name: "smtp", targetPort: server.smtpPort, targetTls: "none" });
      const pop3 = await stage.pop3Proxy({ name: "pop3", targetPort: server.pop3Port, targetTls: "none" });
      const listeners: readonly (readonly string[])[] = [
        ["--starttls-smtp", `localhost:${smtp.starttls}`],
        [`localhost:${smtp.implicit}`],
        ["--starttls-pop3", `localhost:${pop3.starttls}`],
        [`localhost:${pop3.implicit}`],
      ];
      for (const listener of listeners) {
        const { protocols, ciphers } = await scan(listener);
        const label = listener.join(" ");
        assertEquals(protocols, ["TLSv1.2", "TLSv1.3"], label);
        assert(ciphers.length > 0, label);
        assertEquals(ciphers.filter((cipher) => !STRONG.test(cipher)), [], label);
      }
    }),
});

const STRONG = /^(TLS_|(ECDHE|DHE)-.*(GCM|CHACHA20))/;

/** The protocol versions that are enabled, and the cipher suites that are accepted. */
async function scan(
  listener: readonly string[],
): Promise<{ readonly protocols: string[]; readonly ciphers: string[] }> {
  const { stdout } = await runOrFail("sslscan", {
    args: [
      "--no-colour",
      "--no-heartbleed",
      "--no-groups",
      "--no-renegotiation",
      "--no-fallback",
      "--no-compression",
      ...listener,
    ],
  });
  const lines = decodeUtf8(stdout).split("\n");
  const matches = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
  return {
    protocols: matches(/^(SSLv[23]|TLSv1\.[0-3])\s+enabled/).sort(),
    ciphers: matches(/^(?:Preferred|Accepted)\s+TLSv1\.\d\s+\d+ bits\s+(\S+)/),
  };
}
