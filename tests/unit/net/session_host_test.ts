import { assertEquals } from "@std/assert";
import { TcpConnection } from "../../../src/net/connection.ts";
import { type HostedSession, SessionHost, type SessionSource } from "../../../src/net/session_host.ts";
import { FakeClock } from "./fake_clock.ts";
import { issueCertificate } from "./issue_certificate.ts";

const certificate = await issueCertificate({ names: ["localhost"] });

/** What sessions are told, in their order; the first one stays until then, later ones go at once. */
class Listening implements SessionSource {
  readonly told: string[][] = [];
  readonly firstBegan = Promise.withResolvers<void>();

  open(): HostedSession {
    const words: string[] = [];
    const asked = Promise.withResolvers<void>();
    const isFirst = this.told.push(words) === 1;
    const hear = (word: string) => {
      words.push(word);
      asked.resolve();
    };
    return {
      run: () => {
        if (!isFirst) return Promise.resolve();
        this.firstBegan.resolve();
        return asked.promise;
      },
      finishSoon: () => hear("finish soon"),
      cutShort: () => hear("now"),
    };
  }

  refuse(): Promise<void> {
    return Promise.resolve();
  }
}

for (const [ask, word] of [["drain", "finish soon"], ["stop", "now"]] as const) {
  Deno.test(`SessionHost.${ask}() reaches sessions whose TLS handshake was still under way`, async () => {
    const source = new Listening();
    const host = new SessionHost(
      {
        listen: [{ address: "127.0.0.1", port: 0, tls: "implicit", certificate }],
        allowFrom: [],
        limits: { maxConnections: 10, maxConnectionsPerAddress: 10 },
        target: { connectTimeoutMs: 60_000 },
      },
      source,
      new FakeClock(),
    );
    const connect = async () => {
      const port = host.addresses[0]?.port ?? 0;
      return new TcpConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
    };
    const trust = { kind: "insecure" as const };
    const late = await connect();
    const first = await connect();
    await first.startClientTls({ serverName: "localhost", trust });
    // Connections are accepted in their order, so the late one's handshake is awaited by now.
    await source.firstBegan.promise;
    const stopping = ask === "drain" ? host.drain(60_000) : host.stop();
    await late.startClientTls({ serverName: "localhost", trust });
    await stopping;
    assertEquals(source.told.map(([last]) => last), [word, word]);
    for (const client of [late, first]) client.close();
  });
}
