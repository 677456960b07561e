import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { hasCode } from "../../../src/base/errors.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { dial } from "../../../src/net/dial.ts";
import { issueCertificate } from "./issue_certificate.ts";
import { readExactly } from "./sockets.ts";

const authority = await issueCertificate({ names: ["test authority"], ca: true });
const certificate = await issueCertificate({ names: ["localhost"], issuer: authority });

const ignore = !await isInstalled();

async function isInstalled(): Promise<boolean> {
  try {
    return (await new Deno.Command("openssl", { args: ["version"] }).output()).success;
  } catch {
    return false;
  }
}

/** Runs `openssl s_client` against one connection of ours, which upgrades after STARTTLS and echoes one line. */
async function clientRun(
  args: readonly string[],
): Promise<{ output: string; success: boolean; server: TcpConnection["tls"] | string }> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-net-" });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    await Deno.writeTextFile(join(folder, "ca.pem"), authority.cert);
    const client = new Deno.Command("openssl", {
      args: ["s_client", "-connect", `127.0.0.1:${listener.addr.port}`, "-CAfile", join(folder, "ca.pem"), ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const serving = serveStartTls(await listener.accept());
    const stdin = client.stdin.getWriter();
    const typing = stdin.write(encodeUtf8("NOOP\r\n")).then(() => serving).catch(() => {});
    const server = await serving;
    await typing;
    await stdin.close().catch(() => {});
    const { stdout, stderr, success } = await client.output();
    return { output: decodeUtf8(stdout) + decodeUtf8(stderr), success, server };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function serveStartTls(tcp: Deno.TcpConn): Promise<TcpConnection["tls"] | string> {
  const connection = new TcpConnection(tcp);
  try {
    await connection.write(encodeUtf8("220 ready\r\n"));
    await readLineOf(connection);
    await connection.write(encodeUtf8("250-here\r\n250 STARTTLS\r\n"));
    assertEquals(await readLineOf(connection), "STARTTLS");
    await connection.write(encodeUtf8("220 go\r\n"));
    await connection.startServerTls(certificate);
    await connection.write(encodeUtf8(`heard ${await readLineOf(connection)}\r\n`));
    await connection.closeWrite();
    return connection.tls;
  } catch (error) {
    if (hasCode(error, "tls", "connection-lost")) return error.code;
    throw error;
  } finally {
    connection.close();
  }
}

async function readLineOf(connection: TcpConnection): Promise<string> {
  let line = "";
  while (!line.endsWith("\n")) {
    const byte = await readExactly(connection, 1);
    if (byte === "") return line;
    line += byte;
  }
  return line.trim();
}

const talking = ["-starttls", "smtp", "-servername", "localhost", "-crlf", "-verify_return_error"];
const starttls = [...talking, "-quiet"];

Deno.test({
  name: "startServerTls() serves openssl s_client by TLS 1.2 and TLS 1.3",
  ignore,
  async fn() {
    for (const version of ["1_2", "1_3"]) {
      const { output, server } = await clientRun([...starttls, `-tls${version}`]);
      assertStringIncludes(output, "heard NOOP");
      assert(
        typeof server === "object" && server?.version === `TLSv${version.replace("_", ".")}`,
        JSON.stringify(server),
      );
    }
  },
});

Deno.test({
  name: "startServerTls() resumes the sessions of openssl s_client, by TLS 1.2 and TLS 1.3",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "mailtee-net-" });
    try {
      for (const version of ["1_2", "1_3"]) {
        const session = join(folder, version);
        const first = await clientRun([...talking, `-tls${version}`, "-sess_out", session]);
        assertStringIncludes(first.output, "New, TLSv");
        const second = await clientRun([...talking, `-tls${version}`, "-sess_in", session]);
        assertStringIncludes(second.output, "Reused, TLSv");
        assertStringIncludes(second.output, "heard NOOP");
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "startServerTls() refuses TLS 1.1",
  ignore,
  async fn() {
    const { server, success } = await clientRun([...starttls, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    assertEquals([server, success], ["tls", false]);
  },
});

Deno.test({
  name: "dial() speaks with openssl s_server",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "mailtee-net-" });
    await Deno.writeTextFile(join(folder, "cert.pem"), certificate.cert);
    await Deno.writeTextFile(join(folder, "key.pem"), certificate.key);
    const server = new Deno.Command("openssl", {
      args: ["s_server", "-accept", "127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem", "-rev", "-naccept", "1"],
      cwd: folder,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const output = server.stdout.getReader();
    let said = "";
    while (!/ACCEPT \S+:(\d+)\n/.test(said)) {
      const { value } = await output.read();
      if (value === undefined) break;
      said += decodeUtf8(value);
    }
    const port = Number(/ACCEPT \S+:(\d+)/.exec(said)?.[1]);
    const connection = await dial({
      host: "localhost",
      port,
      tls: "implicit",
      trust: { kind: "ca", pem: authority.cert },
      connectTimeoutMs: 20_000,
    });
    await connection.write(encodeUtf8("abc\n"));
    assertEquals(await readExactly(connection, 4), "cba\n");
    await connection.closeWrite();
    connection.close();
    await server.status;
    await output.cancel();
    await Deno.remove(folder, { recursive: true });
  },
});
