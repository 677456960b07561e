import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { decodeUtf8 } from "../../../src/base/bytes.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { authority, certificate } from "./tls_peers.ts";

/** What a program that trusts the system says of our certificate, with the roots that these variables name. */
async function judgement(variables: Readonly<Record<string, string>>): Promise<string> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { SSL_CERT_FILE: _file, SSL_CERT_DIR: _folder, NODE_EXTRA_CA_CERTS: _extra, ...env } = Deno.env.toObject();
  const script = fromFileUrl(new URL("./system_trust_client.ts", import.meta.url));
  const client = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, String(listener.addr.port)],
    clearEnv: true,
    env: { ...env, ...variables },
    stdin: "null",
    stderr: "null",
  });
  const [{ stdout }] = await Promise.all([client.output(), serveOne(listener)]);
  return decodeUtf8(stdout).trim();
}

async function serveOne(listener: Deno.TcpListener): Promise<void> {
  const server = new TcpConnection(await listener.accept());
  await server.startServerTls(certificate).catch(() => {});
  await server.fill().catch(() => {});
  server.close();
}

Deno.test("startClientTls() trusts the roots of the machine, and those that are named besides", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-net-" });
  try {
    const roots = join(folder, "roots.pem");
    await Deno.writeTextFile(roots, authority.cert);
    const none = join(folder, "none.pem");
    await Deno.writeTextFile(none, "");
    assertStringIncludes(await judgement({ SSL_CERT_FILE: none }), "is not trusted");
    assertEquals(await judgement({ SSL_CERT_FILE: roots }), "trusted");
    // Both: then the machine adds none to those that Deno has anyway.
    assertEquals(await judgement({ SSL_CERT_FILE: roots, NODE_EXTRA_CA_CERTS: roots }), "trusted");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
