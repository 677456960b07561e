/** A plain SMTP client for benches: one connection, one mail at a time. */

import { encodeUtf8 } from "../src/base/bytes.ts";

const LF = 10;
const MAIL = encodeUtf8("MAIL FROM:<from@company.example>\r\n");
const RECIPIENT = encodeUtf8("RCPT TO:<to@company.example>\r\n");
const DATA = encodeUtf8("DATA\r\n");

/** A mail of about so many bytes as it goes over the wire, its end marker included. */
export function benchMail(bytes: number): Uint8Array<ArrayBuffer> {
  const header = "From: from@company.example\r\nTo: to@company.example\r\nSubject: bench\r\n\r\n";
  const line = "The quick brown fox jumps over the lazy dog, 0123456789.\r\n";
  const lines = Math.max(1, Math.round((bytes - header.length) / line.length));
  return encodeUtf8(`${header}${line.repeat(lines)}.\r\n`);
}

export class SmtpClient {
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(16 * 1024);

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects, by implicit TLS where a certificate is given to trust, and says EHLO. */
  static async connect(port: number, caCert?: string): Promise<SmtpClient> {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
    tcp.setNoDelay(true);
    const connection = caCert === undefined
      ? tcp
      : await Deno.startTls(tcp, { hostname: "localhost", caCerts: [caCert] });
    const client = new SmtpClient(connection);
    await client.#reply();
    await client.#command(encodeUtf8("EHLO bench.example\r\n"));
    return client;
  }

  /** Sends one mail; resolves when it is accepted. */
  async send(mail: Uint8Array): Promise<void> {
    for (const bytes of [MAIL, RECIPIENT, DATA, mail]) await this.#command(bytes);
  }

  close(): void {
    this.#connection.close();
  }

  async #command(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
    await this.#reply();
  }

  /** Reads one reply, which comes alone. Throws where it isn't 2xx or 3xx. */
  async #reply(): Promise<void> {
    let length = 0;
    for (;;) {
      const count = await this.#connection.read(this.#buffer.subarray(length));
      if (count === null) throw new Error("the server hung up");
      length += count;
      const lastLine = this.#buffer.subarray(0, length - 1).lastIndexOf(LF) + 1;
      if (this.#buffer[length - 1] === LF && this.#buffer[lastLine + 3] !== 45) break;
    }
    if ((this.#buffer[0] ?? 0) > 51) throw new Error(new TextDecoder().decode(this.#buffer.subarray(0, length)));
  }
}
