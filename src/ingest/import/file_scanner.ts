import { Buffer } from "node:buffer";

const READ_BYTES = 256 * 1024;
/** Octets before the current place that stay readable. */
const LOOK_BACK_BYTES = 4;

/** One line of a file. */
export interface FileLine {
  /** Its beginning, without the line end; at most `maxBytes` of it. */
  readonly text: string;
  readonly ending: "\r\n" | "\n" | "";
}

/** Goes through a file of any size in bounded memory, by lines and by searching. Close it at the end. */
export class FileScanner implements Disposable {
  readonly #file: Deno.FsFile;
  #window: Buffer = Buffer.alloc(0);
  /** Where in the file the window begins. */
  #windowOffset = 0;
  /** The current place in the window. */
  #at = 0;
  #ended = false;

  constructor(path: string) {
    this.#file = Deno.openSync(path, { read: true });
  }

  /** The current place, in octets from the start of the file. */
  get offset(): number {
    return this.#windowOffset + this.#at;
  }

  /** Up to four octets before the current place. */
  before(): Uint8Array {
    return this.#window.subarray(Math.max(0, this.#at - LOOK_BACK_BYTES), this.#at);
  }

  /** The next octets, at most `count`; fewer only at the end of the file. Doesn't move on. */
  async peek(count: number): Promise<Uint8Array> {
    while (this.#window.length - this.#at < count && await this.#readOn());
    return this.#window.subarray(this.#at, this.#at + count);
  }

  /** Reads a line and moves behind its end; null at the end of the file. */
  async line(maxBytes: number): Promise<FileLine | null> {
    if ((await this.peek(1)).length === 0) return null;
    let text = Buffer.alloc(0);
    for (;;) {
      const lineEnd = this.#window.indexOf(0x0a, this.#at);
      const end = lineEnd < 0 ? this.#window.length : lineEnd;
      if (text.length <= maxBytes) text = Buffer.concat([text, this.#window.subarray(this.#at, end)]);
      this.#at = lineEnd < 0 ? end : end + 1;
      if (lineEnd >= 0 || !await this.#readOn()) {
        const crlf = lineEnd >= 0 && this.before().at(-2) === 0x0d;
        const length = Math.min(maxBytes, text.length - (crlf && text.at(-1) === 0x0d ? 1 : 0));
        return { text: text.toString("latin1", 0, length), ending: crlf ? "\r\n" : lineEnd >= 0 ? "\n" : "" };
      }
    }
  }

  /** Moves to the next place where these octets stand, and gives true; false at the end of the file. */
  async find(needle: Uint8Array): Promise<boolean> {
    for (;;) {
      const found = this.#window.indexOf(needle, this.#at);
      if (found >= 0) {
        this.#at = found;
        return true;
      }
      this.#at = Math.max(this.#at, this.#window.length - needle.length + 1);
      if (!await this.#readOn()) {
        this.#at = this.#window.length;
        return false;
      }
    }
  }

  /** Moves on by so many octets, which `peek` has shown. */
  skip(count: number): void {
    this.#at = Math.min(this.#window.length, this.#at + count);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  async #readOn(): Promise<boolean> {
    if (this.#ended) return false;
    const chunk = Buffer.alloc(READ_BYTES);
    const count = await this.#file.read(chunk);
    if (count === null) {
      this.#ended = true;
      return false;
    }
    const keepFrom = Math.max(0, this.#at - LOOK_BACK_BYTES);
    this.#window = Buffer.concat([this.#window.subarray(keepFrom), chunk.subarray(0, count)]);
    this.#windowOffset += keepFrom;
    this.#at -= keepFrom;
    return true;
  }
}

/** The octets of a file from one offset to another, exactly. Ends early where the file does. */
export async function* fileRange(
  path: string,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  using file = await Deno.open(path, { read: true });
  await file.seek(from, Deno.SeekMode.Start);
  for (let left = to - from; left > 0;) {
    const buffer = new Uint8Array(Math.min(left, READ_BYTES));
    const count = await file.read(buffer);
    if (count === null) return;
    left -= count;
    yield buffer.subarray(0, count);
  }
}
