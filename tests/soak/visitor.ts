/** How the office's programs enter a proxy: in clear text, by STARTTLS or STLS, or by TLS from the first octet. */

import { Wire } from "../../src/demo/wire.ts";
import type { TlsMode } from "../../src/net/types.ts";

/** A door of a proxy. */
export interface Door {
  readonly hostname: string;
  readonly port: number;
  readonly tls: TlsMode;
  /** Whom the client trusts, as PEM. */
  readonly ca: string;
}

/** One line of a reply, and whether it's the last. */
type IsLast = (line: string) => boolean;

const isLastOfSmtp: IsLast = (line) => line[3] !== "-";
const isLastOfPop3: IsLast = () => true;

/** A connection that may become another one, by STARTTLS. */
export class Visitor {
  readonly #door: Door;
  readonly #isLast: IsLast;
  #connection: Deno.TcpConn | Deno.TlsConn;
  #wire: Wire;

  private constructor(door: Door, connection: Deno.TcpConn | Deno.TlsConn, isLast: IsLast) {
    this.#door = door;
    this.#isLast = isLast;
    this.#connection = connection;
    this.#wire = new Wire(connection);
  }

  /** Enters and takes the greeting; with STARTTLS or STLS if that's the door's way. */
  static async enter(kind: "smtp" | "pop3", door: Door): Promise<Visitor> {
    const { hostname, port, tls } = door;
    const tcp = await Deno.connect({ hostname, port });
    tcp.setNoDelay();
    const connection = tls === "implicit" ? await startTls(tcp, door) : tcp;
    const visitor = new Visitor(door, connection, kind === "smtp" ? isLastOfSmtp : isLastOfPop3);
    try {
      await visitor.hear();
      if (tls === "starttls") await visitor.#upgrade(kind);
      return visitor;
    } catch (error) {
      visitor.leave();
      throw error;
    }
  }

  async #upgrade(kind: "smtp" | "pop3"): Promise<void> {
    if (kind === "smtp") await this.ask("EHLO pc.company.example");
    await this.ask(kind === "smtp" ? "STARTTLS" : "STLS");
    if (!("setNoDelay" in this.#connection)) throw new Error("TLS within TLS");
    this.#connection = await startTls(this.#connection, this.#door);
    this.#wire = new Wire(this.#connection);
  }

  /** Sends a line and gives the last line of the reply. */
  async ask(line: string): Promise<string> {
    await this.#wire.writeLines(line);
    return await this.hear();
  }

  /** The last line of a reply; rejects where the connection ends before. */
  async hear(): Promise<string> {
    for (;;) {
      const line = await this.line();
      if (this.#isLast(line)) return line;
    }
  }

  async line(): Promise<string> {
    const line = await this.#wire.readLine();
    if (line === null) throw new Error("the proxy hung up");
    return line;
  }

  /** Lines up to one dot. */
  async list(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== "."; line = await this.line()) lines.push(line);
    return lines;
  }

  async block(): Promise<Uint8Array<ArrayBuffer>> {
    const block = await this.#wire.readBlock();
    if (block === null) throw new Error("the proxy hung up");
    return block;
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
  }

  leave(): void {
    this.#connection.close();
  }
}

async function startTls(connection: Deno.TcpConn, { hostname, ca }: Door): Promise<Deno.TlsConn> {
  return await Deno.startTls(connection, { hostname, caCerts: [ca] });
}
