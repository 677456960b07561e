import { decodeLatin1, encodeUtf8 } from "../../../src/base/bytes.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { readLine } from "../../../src/net/line_reader.ts";
import type { ServerTlsOptions, TlsMode } from "../../../src/net/types.ts";

/** A server that answers each command line by a table. */
export interface ScriptedTarget {
  readonly port: number;
  /** The command lines of all connections, in order. */
  readonly heard: readonly string[];
  /** Safe to call more than once. */
  close(): Promise<void>;
}

export interface Script {
  readonly tls: TlsMode;
  readonly certificate: ServerTlsOptions;
  readonly greeting: string;
  /** Answers by the beginning of a command line; to any other the connection is closed. */
  readonly answers: Readonly<Record<string, string | { readonly upgradeAfter: string }>>;
}

/** Listens on a port of 127.0.0.1 that the system chooses. */
export function startScriptedTarget(script: Script): ScriptedTarget {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heard: string[] = [];
  const sessions: Promise<void>[] = [];
  let closed = false;
  const accepting = (async () => {
    for await (const tcp of listener) {
      // A client that cuts the connection is no failure of the server.
      sessions.push(converse(new TcpConnection(tcp), script, heard).catch(() => {}));
    }
  })();
  return {
    port: listener.addr.port,
    heard,
    close: async () => {
      if (!closed) listener.close();
      closed = true;
      await accepting;
      await Promise.all(sessions);
    },
  };
}

async function converse(connection: TcpConnection, script: Script, heard: string[]): Promise<void> {
  try {
    if (script.tls === "implicit") await connection.startServerTls(script.certificate);
    await connection.write(encodeUtf8(script.greeting));
    for (;;) {
      const read = await readLine(connection, { maxBytes: 4096 });
      if (read.kind !== "line") return;
      const line = decodeLatin1(read.line);
      heard.push(line);
      const [, answer] = Object.entries(script.answers).find(([command]) => line.startsWith(command)) ?? [];
      if (answer === undefined) return;
      await connection.write(encodeUtf8(typeof answer === "string" ? answer : answer.upgradeAfter));
      if (typeof answer !== "string") await connection.startServerTls(script.certificate);
    }
  } finally {
    connection.close();
  }
}
