/** A target for tests, written without the program's own parsers: a strict SMTP server that keeps what it gets. */

export interface SunkMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Octets as latin1, so that they compare easily. */
  readonly content: string;
}

export interface SinkOptions {
  /** @default PIPELINING, 8BITMIME, CHUNKING */
  readonly extensions?: readonly string[];
  /** Addresses for which RCPT is refused. */
  readonly refuses?: (address: string) => boolean;
  /** The answer to the end of a mail. @default 250 */
  readonly answer?: (mail: SunkMail) => string;
  /** Reads nothing more after DATA. */
  readonly stallsInData?: boolean;
}

/** Bytes of one connection, as latin1. */
class Input {
  readonly #tcp: Deno.TcpConn;
  #text = "";

  constructor(tcp: Deno.TcpConn) {
    this.#tcp = tcp;
  }

  /** Up to and without the separator; null at the end. */
  async until(separator: string): Promise<string | null> {
    for (let from = 0;;) {
      const at = this.#text.indexOf(separator, from);
      if (at >= 0) {
        const text = this.#text.slice(0, at);
        this.#text = this.#text.slice(at + separator.length);
        return text;
      }
      from = Math.max(0, this.#text.length - separator.length);
      if (!(await this.#read())) return null;
    }
  }

  async exactly(count: number): Promise<string | null> {
    while (this.#text.length < count) if (!(await this.#read())) return null;
    const text = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return text;
  }

  /** Puts text back. */
  unread(text: string): void {
    this.#text = text + this.#text;
  }

  async #read(): Promise<boolean> {
    const buffer = new Uint8Array(65_536);
    const count = await this.#tcp.read(buffer).catch(() => null);
    if (count === null) return false;
    let text = "";
    for (let at = 0; at < count; at += 4096) {
      text += String.fromCharCode(...buffer.subarray(at, Math.min(count, at + 4096)));
    }
    this.#text += text;
    return true;
  }
}

export class Sink {
  readonly mails: SunkMail[] = [];
  /** Lines that a strict server doesn't understand, which the proxy should never have passed on. */
  readonly oddities: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #options: SinkOptions;
  readonly #stalled = Promise.withResolvers<void>();
  readonly #done: Promise<void>;

  constructor(options: SinkOptions = {}) {
    this.#options = options;
    this.#done = this.#acceptAll();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async close(): Promise<void> {
    this.#listener.close();
    this.#stalled.resolve();
    for (const tcp of this.#connections) tcp.close();
    await this.#done;
  }

  async #acceptAll(): Promise<void> {
    const sessions: Promise<void>[] = [];
    for await (const tcp of this.#listener) {
      tcp.setNoDelay(true);
      this.#connections.add(tcp);
      sessions.push(
        this.#serve(tcp).catch(() => {}).finally(() => {
          if (this.#connections.delete(tcp)) {
            try {
              tcp.close();
            } catch { /* closed by close() */ }
          }
        }),
      );
    }
    await Promise.all(sessions);
  }

  async #serve(tcp: Deno.TcpConn): Promise<void> {
    const input = new Input(tcp);
    const say = async (line: string) => {
      const bytes = new TextEncoder().encode(`${line}\r\n`);
      for (let at = 0; at < bytes.length;) at += await tcp.write(bytes.subarray(at));
    };
    let from: string | null = null;
    let to: string[] = [];
    let chunks: string | null = null;
    const reset = () => {
      from = null;
      to = [];
      chunks = null;
    };
    const finish = async (content: string) => {
      const mail = { from: from ?? "", to, content };
      const answer = this.#options.answer?.(mail) ?? "250 2.0.0 Queued";
      if (answer.startsWith("2")) this.mails.push(mail);
      reset();
      await say(answer);
    };
    await say("220 sink.example");
    for (;;) {
      const line = await input.until("\r\n");
      if (line === null) return;
      const [, verb = "", argument = ""] = /^([A-Za-z]+) *([^]*)$/.exec(line) ?? [];
      const path = /^(?:FROM|TO): *<?([^ >]*)/i.exec(argument)?.[1] ?? "";
      switch (verb.toUpperCase()) {
        case "EHLO": {
          reset();
          const extensions = this.#options.extensions ?? ["PIPELINING", "8BITMIME", "CHUNKING"];
          const lines = ["sink.example", ...extensions];
          for (const [index, each] of lines.entries()) await say(`250${index === lines.length - 1 ? " " : "-"}${each}`);
          break;
        }
        case "HELO":
          reset();
          await say("250 sink.example");
          break;
        case "MAIL":
          if (from !== null) await say("503 5.5.1 Nested");
          else {
            from = path;
            await say("250 2.1.0 Ok");
          }
          break;
        case "RCPT":
          if (from === null) await say("503 5.5.1 MAIL first");
          else if (this.#options.refuses?.(path) === true) await say("550 5.1.1 No");
          else {
            to = [...to, path];
            await say("250 2.1.5 Ok");
          }
          break;
        case "DATA": {
          if (to.length === 0 || chunks !== null) {
            await say("503 5.5.1 RCPT first");
            break;
          }
          await say("354 Go");
          if (this.#options.stallsInData === true) return await this.#stalled.promise;
          // As if just after CRLF, so that an empty mail is found as well.
          input.unread("\r\n");
          const text = await input.until("\r\n.\r\n");
          if (text === null) return;
          await finish(`${text}\r\n`.slice(2).replaceAll(/^\./g, "").replaceAll("\r\n.", "\r\n"));
          break;
        }
        case "BDAT": {
          const [, size, last] = /^(\d+)( LAST)?$/i.exec(argument) ?? [];
          const octets = await input.exactly(Number(size));
          if (octets === null) return;
          if (to.length === 0) {
            await say("503 5.5.1 RCPT first");
            break;
          }
          chunks = (chunks ?? "") + octets;
          if (last === undefined) await say("250 Ok");
          else await finish(chunks);
          break;
        }
        case "RSET":
          reset();
          await say("250 2.0.0 Ok");
          break;
        case "NOOP":
        case "HELP":
        case "EXPN":
        case "ETRN":
          await say("250 2.0.0 Ok");
          break;
        case "VRFY":
          await say(`252 ${argument}`);
          break;
        case "QUIT":
          await say("221 2.0.0 Bye");
          return;
        default:
          this.oddities.push(line);
          await say("500 5.5.2 What?");
      }
    }
  }
}
