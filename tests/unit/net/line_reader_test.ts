import { assertEquals, assertRejects } from "@std/assert";
import { decodeLatin1, encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { type LineOptions, type LineRead, readLine, takeLine } from "../../../src/net/line_reader.ts";

/** A connection that gives its chunks one a `fill`, and then its end. */
class ChunkSource {
  readonly #chunks: Uint8Array[];
  buffered = new Uint8Array(0);
  largest = 0;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = [...chunks];
  }

  consume(count: number): void {
    this.buffered = this.buffered.subarray(count);
  }

  fill(): Promise<boolean> {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return Promise.resolve(false);
    this.buffered = Uint8Array.from([...this.buffered, ...chunk]);
    this.largest = Math.max(this.largest, this.buffered.length);
    return Promise.resolve(true);
  }
}

/** A line as a test writes it: its text, or what is wrong with it. */
function shown(read: LineRead): string {
  switch (read.kind) {
    case "line":
      return decodeLatin1(read.line);
    case "bare-newline":
      return `${read.bare}! ${decodeLatin1(read.line)}`;
    case "too-long":
      return "too long!";
    case "end":
      return read.partial ? "partial end" : "end";
  }
}

async function readAll(chunks: readonly Uint8Array[], options: LineOptions): Promise<string[]> {
  const source = new ChunkSource(chunks);
  const lines: string[] = [];
  while (lines.length < 100) {
    const read = await readLine(source, options);
    lines.push(shown(read));
    if (read.kind === "end") break;
  }
  return lines;
}

const CASES: readonly { readonly input: string; readonly reject: string[]; readonly accept: string[] }[] = [
  { input: "", reject: ["end"], accept: ["end"] },
  { input: "\r\n", reject: ["", "end"], accept: ["", "end"] },
  { input: "a\r\nbc\r\n", reject: ["a", "bc", "end"], accept: ["a", "bc", "end"] },
  { input: "a\r\nbc", reject: ["a", "partial end"], accept: ["a", "partial end"] },
  { input: "a\nb\r\n", reject: ["lf! a", "b", "end"], accept: ["a", "b", "end"] },
  { input: "\na\n", reject: ["lf! ", "lf! a", "end"], accept: ["", "a", "end"] },
  { input: "a\rb\r\n", reject: ["cr! a\rb", "end"], accept: ["cr! a\rb", "end"] },
  { input: "a\r\r\n", reject: ["cr! a\r", "end"], accept: ["cr! a\r", "end"] },
  { input: "a\rb\n", reject: ["lf! a\rb", "end"], accept: ["cr! a\rb", "end"] },
  { input: "a\r", reject: ["partial end"], accept: ["partial end"] },
  { input: "a\0b\xff\r\n", reject: ["a\0b\xff", "end"], accept: ["a\0b\xff", "end"] },
  { input: "123456\r\n", reject: ["123456", "end"], accept: ["123456", "end"] },
  { input: "1234567\r\nb\r\n", reject: ["too long!", "b", "end"], accept: ["too long!", "b", "end"] },
  { input: "1234567\n", reject: ["lf! 1234567", "end"], accept: ["1234567", "end"] },
  { input: "12345678\n", reject: ["too long!", "end"], accept: ["too long!", "end"] },
  { input: "1".repeat(50) + "\r\nb\r\n", reject: ["too long!", "b", "end"], accept: ["too long!", "b", "end"] },
  { input: "1".repeat(50), reject: ["partial end"], accept: ["partial end"] },
];

function octets(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

Deno.test("readLine() gives lines, and reports what isn't one, however the stream is cut", async () => {
  for (const { input, reject, accept } of CASES) {
    const bytes = octets(input);
    const cuts = Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
    for (const chunks of [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte)), ...cuts]) {
      const given = chunks.filter((chunk) => chunk.length > 0);
      assertEquals(await readAll(given, { maxBytes: 8 }), reject, JSON.stringify(input));
      assertEquals(await readAll(given, { maxBytes: 8, bareNewline: "accept-lf" }), accept, JSON.stringify(input));
    }
  }
});

Deno.test("readLine() holds no more of an endless line than its limit and one read", async () => {
  const chunks = Array.from({ length: 1000 }, () => new Uint8Array(100).fill(0x41));
  const source = new ChunkSource([...chunks, encodeUtf8("\r\nNOOP\r\n")]);
  assertEquals(await readLine(source, { maxBytes: 512 }), { kind: "too-long" });
  assertEquals(shown(await readLine(source, { maxBytes: 512 })), "NOOP");
  assertEquals(source.largest <= 612, true, `${source.largest}`);
});

Deno.test("readLine() gives a line in memory of its own", async () => {
  const chunk = encodeUtf8("MAIL\r\n");
  const read = await readLine(new ChunkSource([chunk]), { maxBytes: 512 });
  chunk.fill(0);
  assertEquals(shown(read), "MAIL");
});

Deno.test("readLine() keeps a line that was begun when fill rejects", async () => {
  const source = new ChunkSource([encodeUtf8("NO"), encodeUtf8("OP\r\n")]);
  const fill = source.fill.bind(source);
  let fills = 0;
  source.fill = () => ++fills === 2 ? Promise.reject(new MailteeError("timeout", "slow")) : fill();
  await assertRejects(() => readLine(source, { maxBytes: 512 }), MailteeError, "slow");
  assertEquals(shown(await readLine(source, { maxBytes: 512 })), "NOOP");
});

Deno.test("takeLine() tells how much it took, and goes on where it has searched", () => {
  const buffer = encodeUtf8("a\r\nb\r\n");
  const options = { maxBytes: 512 };
  assertEquals(takeLine(buffer, options), {
    kind: "whole",
    line: { kind: "line", line: encodeUtf8("a") },
    consumed: 3,
  });
  assertEquals(takeLine(buffer.subarray(0, 2), options), { kind: "more" });
  assertEquals(takeLine(buffer.subarray(0, 3), options, 2).kind, "whole");
  assertEquals(takeLine(encodeUtf8("1234"), { maxBytes: 4 }), { kind: "too-long", consumed: 0 });
  assertEquals(takeLine(encodeUtf8("1234\r\nb"), { maxBytes: 4 }), { kind: "too-long", consumed: 6 });
});
