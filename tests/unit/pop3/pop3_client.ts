import { concatBytes, decodeLatin1, encodeUtf8 } from "../../../src/base/bytes.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import { DotReader } from "../../../src/net/dot_stream.ts";
import { readLine } from "../../../src/net/line_reader.ts";

/** Time limit of a test's client. */
const CLIENT_MS = 20_000;

/** A plain POP3 client. */
export class Pop3Client implements Disposable {
  readonly connection: TcpConnection;

  private constructor(tcp: Deno.TcpConn) {
    this.connection = new TcpConnection(tcp);
    this.connection.setDeadline(CLIENT_MS);
  }

  static async connect(port: number): Promise<Pop3Client> {
    return new Pop3Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Connects, takes the greeting, and logs in. */
  static async logIn(port: number, user = "anna", password = "secret"): Promise<Pop3Client> {
    const client = await Pop3Client.connect(port);
    await client.line();
    await client.ask(`USER ${user}`);
    await client.ask(`PASS ${password}`);
    return client;
  }

  async send(text: string): Promise<void> {
    await this.connection.write(encodeUtf8(text));
  }

  /** The next line, or null at the end of the stream. */
  async line(): Promise<string | null> {
    const read = await readLine(this.connection, { maxBytes: 20_000 });
    return read.kind === "line" ? decodeLatin1(read.line) : null;
  }

  /** The answer of one line. */
  async ask(command: string): Promise<string | null> {
    await this.send(`${command}\r\n`);
    return await this.line();
  }

  /** The content of the next block. */
  async block(): Promise<Uint8Array<ArrayBuffer>> {
    const reader = new DotReader({ bareNewline: "keep" });
    const pieces: Uint8Array[] = [];
    for (;;) {
      while (this.connection.buffered.length === 0) {
        if (!await this.connection.fill()) throw new Error("the connection ended in a block");
      }
      const { consumed, content, ended } = reader.push(this.connection.buffered);
      pieces.push(content.slice());
      this.connection.consume(consumed);
      if (ended) return concatBytes(pieces);
    }
  }

  async retrieve(number: number): Promise<Uint8Array<ArrayBuffer>> {
    const status = await this.ask(`RETR ${number}`);
    if (!status?.startsWith("+OK")) throw new Error(`RETR ${number}: ${status}`);
    return await this.block();
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }
}
