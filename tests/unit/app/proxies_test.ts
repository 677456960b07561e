import { assertEquals } from "@std/assert";
import { startProxy } from "../../../src/app/proxies.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { MemoryDrop } from "../../dialogs/memory_drop.ts";
import { loadFrom } from "../config/folder.ts";
import { readExactly } from "../net/sockets.ts";

/** Starts the proxy that a config describes, and gives what a client gets that says `hello` first. */
async function firstWords(proxy: string, hello: string, length: number): Promise<string> {
  const { proxies: [config] } = await loadFrom({ "proxy.config.yaml": `proxies: [{ ${proxy} }]` });
  if (config === undefined) throw new Error("no proxy");
  const running = await startProxy(config, {
    clock: systemClock,
    drop: () => new MemoryDrop(),
    certificate: () => undefined,
  });
  const port = Number(running.status().listen[0]?.split(":")[1]);
  const client = new TcpConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
  try {
    await client.write(encodeUtf8(hello));
    return await readExactly(client, length);
  } finally {
    client.close();
    await running.stop();
  }
}

Deno.test("startProxy() takes from the config who may speak for clients", async () => {
  const listen = `{ address: 127.0.0.1, port: 0, tls: none, proxyProtocol: { from: [localhost] } }`;
  for (const [kind, refusal] of [["smtp", "554"], ["pop3", "-ERR"]]) {
    const proxy = `kind: ${kind}, listen: [${listen}], target: { host: 127.0.0.1 }, allowFrom: [localhost]`;
    const header = "PROXY TCP4 192.0.2.7 198.51.100.1 1 25\r\n";
    assertEquals(await firstWords(proxy, header, refusal?.length ?? 0), refusal);
  }
});

Deno.test("startProxy() takes from the config who may log in, and that this machine may in clear text", async () => {
  const target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const greeting = (async () => {
    const connection = new TcpConnection(await target.accept());
    await connection.write(encodeUtf8("220 mail.example\r\n"));
    await readExactly(connection, "EHLO x\r\n".length);
    await connection.write(encodeUtf8("250 mail.example\r\n"));
    while (await connection.fill());
    connection.close();
  })();
  const hash = "$scrypt$ln=15,r=8,p=1$H2G8QVMaoMyJACRIqH5KEg$jrO+Pd/RO+Gw6HHDL2G2t0o0jfJaKEChktoRPiZxRek";
  const proxy = `kind: smtp, listen: [{ address: 127.0.0.1, port: 0, tls: none }], ` +
    `target: { host: 127.0.0.1, port: ${target.addr.port} }, clients: [{ username: anna, passwordHash: "${hash}" }]`;
  const expected = "220 mail.example\r\n250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n235 ";
  const login = encodeUtf8("\0anna\0open sesame").toBase64();
  assertEquals(await firstWords(proxy, `EHLO x\r\nAUTH PLAIN ${login}\r\n`, expected.length), expected);
  await greeting;
  target.close();
});
