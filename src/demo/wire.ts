import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";

const CR = 13;
const LF = 10;
const DOT = 46;
const MAX_LINE_BYTES = 12_288; // RFC 4954 section 4.12
const END_OF_BLOCK = encodeUtf8("\r\n.\r\n");

/**
 * Lines and dot-terminated blocks over a TCP connection, in the plainest reading of RFC 5321 and RFC 1939: CRLF ends a
 * line and nothing else does, and a block is kept whole. On purpose apart from `net`: what has passed a proxy is judged
 * by other code than the proxy's.
 */
export class Wire {
  readonly #connection: Pick<Deno.Conn, "read" | "write">;
  #buffer = new Uint8Array(4096);
  #length = 0;

  constructor(connection: Pick<Deno.Conn, "read" | "write">) {
    this.#connection = connection;
  }

  /** The next line without its CRLF; null at the end of the stream. Throws on a line over 12288 octets. */
  async readLine(): Promise<string | null> {
    for (let searched = 0;;) {
      const end = indexOfCrlf(this.#received, searched);
      if (end >= 0) {
        const line = decodeUtf8(this.#received.subarray(0, end));
        this.#drop(end + 2);
        return line;
      }
      searched = Math.max(0, this.#length - 1);
      if (this.#length > MAX_LINE_BYTES) throw new Error(`A line has more than ${MAX_LINE_BYTES} octets.`);
      if (!await this.#receive()) return null;
    }
  }

  /** The next block, unstuffed, up to and without its line of one dot; null where the stream ends before that. */
  async readBlock(): Promise<Uint8Array<ArrayBuffer> | null> {
    while (this.#length < 3) if (!await this.#receive()) return null;
    if (startsWith(this.#received, END_OF_BLOCK.subarray(2))) {
      this.#drop(3);
      return new Uint8Array(0);
    }
    for (let searched = 0;;) {
      const end = indexOf(this.#received, END_OF_BLOCK, searched);
      if (end >= 0) {
        const block = unstuff(this.#received.subarray(0, end + 2));
        this.#drop(end + END_OF_BLOCK.length);
        return block;
      }
      searched = Math.max(0, this.#length - END_OF_BLOCK.length + 1);
      if (!await this.#receive()) return null;
    }
  }

  /** Writes lines, each ended by CRLF. */
  async writeLines(...lines: readonly string[]): Promise<void> {
    await this.#write(encodeUtf8(lines.map((line) => `${line}\r\n`).join("")));
  }

  /** Writes `content` dot-stuffed and the line of one dot after it. */
  async writeBlock(content: Uint8Array): Promise<void> {
    await this.#write(stuff(content));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      written += await this.#connection.write(bytes.subarray(written));
    }
  }

  get #received(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #drop(count: number): void {
    this.#buffer.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  async #receive(): Promise<boolean> {
    if (this.#length === this.#buffer.length) {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    const count = await this.#connection.read(this.#buffer.subarray(this.#length));
    if (count === null) return false;
    this.#length += count;
    return true;
  }
}

/** Takes away the dot that a sender put before every line that begins with one (RFC 5321 section 4.5.2). */
export function unstuff(block: Uint8Array): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(block.length);
  let length = 0;
  for (let i = 0; i < block.length; i++) {
    const byte = block[i] ?? 0;
    if (byte === DOT && atLineStart(block, i)) continue;
    content[length++] = byte;
  }
  return content.subarray(0, length);
}

/** A mail as it goes over the wire: dots doubled at the beginning of lines, and `.` CRLF on a line of its own at last. */
export function stuff(content: Uint8Array): Uint8Array<ArrayBuffer> {
  let dots = 0;
  for (let i = 0; i < content.length; i++) if (content[i] === DOT && atLineStart(content, i)) dots++;
  const wire = new Uint8Array(content.length + dots + END_OF_BLOCK.length);
  let length = 0;
  for (let i = 0; i < content.length; i++) {
    const byte = content[i] ?? 0;
    if (byte === DOT && atLineStart(content, i)) wire[length++] = DOT;
    wire[length++] = byte;
  }
  const end = atLineStart(content, content.length) ? END_OF_BLOCK.subarray(2) : END_OF_BLOCK;
  wire.set(end, length);
  return wire.subarray(0, length + end.length);
}

function atLineStart(bytes: Uint8Array, index: number): boolean {
  return index === 0 || (bytes[index - 2] === CR && bytes[index - 1] === LF);
}

function indexOfCrlf(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF) return at;
  }
  return -1;
}

function indexOf(bytes: Uint8Array, pattern: Uint8Array, from: number): number {
  const first = pattern[0] ?? 0;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (startsWith(bytes.subarray(at), pattern)) return at;
  }
  return -1;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}
