/** An SMTP client that sends any octets and waits for replies; octets are characters up to U+00FF. */
export class SmtpLineClient {
  readonly #tcp: Deno.TcpConn;
  #text = "";

  private constructor(tcp: Deno.TcpConn) {
    this.#tcp = tcp;
  }

  /** Connects to a port of this machine and takes the greeting. */
  static async connect(port: number): Promise<SmtpLineClient> {
    const client = new SmtpLineClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    await client.#reply();
    return client;
  }

  /** Sends a command, or anything else that has one reply, and gives that. */
  async say(text: string): Promise<string> {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    for (let at = 0; at < bytes.length;) at += await this.#tcp.write(bytes.subarray(at));
    return await this.#reply();
  }

  close(): void {
    this.#tcp.close();
  }

  async #reply(): Promise<string> {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const [reply] = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(this.#text) ?? [];
      if (reply !== undefined) {
        this.#text = this.#text.slice(reply.length);
        return reply;
      }
      const count = await this.#tcp.read(buffer);
      if (count === null) throw new Error(`the server hung up after ${JSON.stringify(this.#text)}`);
      this.#text += String.fromCharCode(...buffer.subarray(0, count));
    }
  }
}
