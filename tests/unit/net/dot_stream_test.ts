import { assert, assertEquals, assertThrows } from "@std/assert";
import { concatBytes, encodeUtf8 } from "../../../src/base/bytes.ts";
import {
  DotEncoder,
  type DotNewlines,
  DotReader,
  END_MARKER,
  type Offence,
  stuff,
} from "../../../src/net/dot_stream.ts";
import { corpusFiles } from "./corpus.ts";
import { randomBytes, randomSource } from "./random.ts";

/** One character a byte, so that expectations can be written as strings. */
function octets(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function text(bytes: Uint8Array): string {
  let all = "";
  for (const byte of bytes) all += String.fromCharCode(byte);
  return all;
}

interface Block {
  readonly wire: string;
  readonly content: string;
  readonly ended: boolean;
  readonly consumed: number;
  readonly offence: Offence | null;
}

/** Reads one block from chunks; what comes after its end isn't pushed. */
function read(chunks: readonly Uint8Array[], bareNewline: DotNewlines): Block {
  const reader = new DotReader({ bareNewline });
  let [wire, content, consumed] = ["", "", 0];
  for (const chunk of chunks) {
    const step = reader.push(chunk);
    wire += text(step.wire);
    content += text(step.content);
    consumed += step.consumed;
    if (step.ended) return { wire, content, ended: true, consumed, offence: step.offence };
    assertEquals(step.consumed, chunk.length);
  }
  const { offence } = reader.push(new Uint8Array(0));
  return { wire, content, ended: false, consumed, offence };
}

/** The same by string search, as the plainest reader would; `normalize` adds what the sender's content becomes. */
function expected(input: string, normalize: boolean): Pick<Block, "content" | "consumed"> {
  const end = `\r\n${input}`.indexOf("\r\n.\r\n");
  const body = end < 0 ? input : input.slice(0, end);
  const unstuffed = `\r\n${body}`.replaceAll("\r\n.", "\r\n").slice(2);
  const content = normalize
    ? `\r\n${unstuffed.replaceAll(/\r\n|\r|\n/g, "\r\n")}`.replaceAll(/\r\n\0+/g, "\r\n").slice(2)
    : unstuffed;
  return { content, consumed: end < 0 ? input.length : end + 3 };
}

/** Pieces that make odd blocks likely. */
const ATOMS = ["\r", "\n", ".", "\0", " ", "\r\n", "\r\n.", "a", "bc", "\r\n.\r\n"];

function oddInput(random: () => number): string {
  let input = "";
  for (let left = Math.floor(random() * 14); left > 0; left--) {
    input += ATOMS[Math.floor(random() * ATOMS.length)] ?? "";
  }
  return `${input}\r\n.\r\n`;
}

/** Receivers of all kinds of leniency: what ends a line for them, and whether NUL exists for them. */
const RECEIVERS = [/\r\n/, /\r\n|\n/, /\r\n|\r/, /\r\n|\r|\n/].flatMap((lineEnd) =>
  [false, true].map((ignoresNul) => ({ lineEnd, ignoresNul }))
);
/** Blanks behind a dot don't count for a lenient one. */
const END_LINE = /^\.[ \t\v\f]*$/;

/** The lines that such a receiver takes for the mail, and those that it takes for commands after it. */
function receive(
  stream: string,
  receiver: { lineEnd: RegExp; ignoresNul: boolean },
): { mail: string[]; rest: string[] } {
  const lines = (receiver.ignoresNul ? stream.replaceAll("\0", "") : stream).split(receiver.lineEnd);
  const end = lines.findIndex((line) => END_LINE.test(line));
  return {
    mail: lines.slice(0, end < 0 ? undefined : end).map((line) => line.startsWith(".") ? line.slice(1) : line),
    rest: end < 0 ? [] : lines.slice(end + 1),
  };
}

Deno.test("DotReader.push() finds the end, takes single dots away and leaves the rest for the next command", () => {
  const cases: [input: string, wire: string, content: string, rest: string][] = [
    [".\r\n", "", "", ""],
    [".\r\nQUIT\r\n", "", "", "QUIT\r\n"],
    ["a\r\n.\r\nQUIT\r\n", "a\r\n", "a\r\n", "QUIT\r\n"],
    ["a\r\n..\r\n.\r\n", "a\r\n..\r\n", "a\r\n.\r\n", ""],
    ["..\r\n.\r\n", "..\r\n", ".\r\n", ""],
    ["...\r\n.\r\n", "...\r\n", "..\r\n", ""],
    ["a.\r\n.\r\n", "a.\r\n", "a.\r\n", ""],
    ["\r\n.\r\n", "\r\n", "\r\n", ""],
    ["a\r\n\r\n.\r\n.\r\n", "a\r\n\r\n", "a\r\n\r\n", ".\r\n"],
  ];
  for (const [input, wire, content, rest] of cases) {
    for (const mode of ["keep", "normalize", "reject"] as const) {
      const block = read([octets(input)], mode);
      const consumed = input.length - rest.length;
      assertEquals(block, { wire, content, ended: true, consumed, offence: null }, JSON.stringify(input));
    }
  }
});

Deno.test("DotReader.push() leaves an ordinary mail where it is: wire and content are views of the chunk", () => {
  const chunk = octets("Subject: a\r\n\r\nb\r\n.\r\nQUIT\r\n");
  for (const bareNewline of ["keep", "normalize"] as const) {
    const { wire, content } = new DotReader({ bareNewline }).push(chunk);
    assert(wire.buffer === chunk.buffer && content.buffer === chunk.buffer);
  }
});

Deno.test("DotReader.push() refuses to go on after the end", () => {
  const reader = new DotReader({ bareNewline: "keep" });
  reader.push(END_MARKER);
  assertThrows(() => reader.push(octets("a")), Error, "has ended");
});

Deno.test("DotReader.push() with keep passes every octet, whatever the line ends", () => {
  const cases: [input: string, content: string, offence: Offence | null][] = [
    ["a\n.\nb\r\n", "a\n.\nb\r\n", "bare-lf"],
    ["a\n.\r\nb\r\n", "a\n.\r\nb\r\n", "bare-lf"],
    ["a\r.\rb\r\n", "a\r.\rb\r\n", "bare-cr"],
    ["a\r\n.\nb\r\n", "a\r\n\nb\r\n", "bare-lf"],
    ["a\r\n.\rb\r\n", "a\r\n\rb\r\n", "bare-cr"],
    ["a\r\r\nb\r\n", "a\r\r\nb\r\n", "bare-cr"],
    ["a\0b\r\n\0.\r\n", "a\0b\r\n\0.\r\n", "nul"],
    [".foo\r\n. \r\n", "foo\r\n \r\n", null],
    ["\0\n\r\n", "\0\n\r\n", "bare-lf"],
  ];
  for (const [input, content, offence] of cases) {
    const block = read([octets(`${input}.\r\n`)], "keep");
    assertEquals(
      block,
      { wire: input, content, ended: true, consumed: input.length + 3, offence },
      JSON.stringify(input),
    );
  }
});

Deno.test("DotReader.push() with normalize makes every bare newline a CRLF, and doubles the dot that follows", () => {
  const cases: [input: string, wire: string, content: string, offence: Offence | null][] = [
    ["a\nb\r\n", "a\r\nb\r\n", "a\r\nb\r\n", "bare-lf"],
    ["a\rb\r\n", "a\r\nb\r\n", "a\r\nb\r\n", "bare-cr"],
    ["a\r\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "bare-cr"],
    ["a\n.b\r\n", "a\r\n..b\r\n", "a\r\n.b\r\n", "bare-lf"],
    ["a\n.\r\nb\r\n", "a\r\n..\r\nb\r\n", "a\r\n.\r\nb\r\n", "bare-lf"],
    ["a\r\n.\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "bare-lf"],
    ["a\r\n.\rb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "bare-cr"],
    ["a\r\n.\r.\r\n", "a\r\n\r\n..\r\n", "a\r\n\r\n.\r\n", "bare-cr"],
    ["a\0b\r\n", "a\0b\r\n", "a\0b\r\n", "nul"],
    ["a\r\n\0\0.\r\nb\r\n", "a\r\n..\r\nb\r\n", "a\r\n.\r\nb\r\n", "nul"],
    ["a\r\n.\0\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "nul"],
    ["a\r\n.\0.\r\nb\r\n", "a\r\n..\r\nb\r\n", "a\r\n.\r\nb\r\n", "nul"],
    [".foo\r\n", "foo\r\n", "foo\r\n", null],
    ["a\r\n. \r\nb\r\n", "a\r\n \r\nb\r\n", "a\r\n \r\nb\r\n", null],
    ["a\r\n.. \r\nb\r\n", "a\r\n.. \r\nb\r\n", "a\r\n. \r\nb\r\n", null],
    ["a\n. \r\nb\r\n", "a\r\n.. \r\nb\r\n", "a\r\n. \r\nb\r\n", "bare-lf"],
  ];
  for (const [input, wire, content, offence] of cases) {
    for (const mode of ["normalize", "reject"] as const) {
      const block = read([octets(`${input}.\r\n`)], mode);
      assertEquals(block, { wire, content, ended: true, consumed: input.length + 3, offence }, JSON.stringify(input));
    }
  }
});

// The ends of data by which mails were smuggled (CVE-2023-51764, -51765, -51766 and the published test tools).
const NEWLINES = ["\r\n", "\n", "\r", "\r\r\n", "\r\n\0", "\0\r\n", "\r\0\n", "\n\r", " \r\n"];
const FALSE_ENDS = NEWLINES.flatMap((before) =>
  [...NEWLINES, ""].flatMap((after) => [`${before}.${after}`, `${before}\0.${after}`, `${before}.\0${after}`])
).filter((end) => !`${end}MAIL FROM:<b@example.org>\r\n`.includes("\r\n.\r\n"));

Deno.test("DotReader.push() with normalize lets no receiver see a second mail", () => {
  assert(FALSE_ENDS.length > 150);
  for (const end of FALSE_ENDS) {
    const input =
      `Subject: 1\r\n\r\none${end}MAIL FROM:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\nx\r\n.\r\n`;
    const { wire, content } = read([octets(input)], "normalize");
    for (const receiver of RECEIVERS) {
      const seen = receive(`${wire}.\r\nQUIT`, receiver);
      assertEquals(seen.rest, ["QUIT"], `${JSON.stringify(end)} as ${receiver.lineEnd} ${receiver.ignoresNul}`);
      const lines = (receiver.ignoresNul ? content.replaceAll("\0", "") : content).split("\r\n");
      assertEquals(seen.mail, lines.slice(0, -1));
    }
  }
});

Deno.test("DotReader.push() gives for odd blocks what string search gives, and the same lines to every receiver", () => {
  const random = randomSource(2);
  for (let round = 0; round < 6000; round++) {
    const input = oddInput(random);
    const kept = read([octets(input)], "keep");
    const { content, consumed } = expected(input, false);
    assertEquals([kept.content, kept.consumed, kept.wire], [content, consumed, input.slice(0, consumed - 3)]);
    const normal = read([octets(input)], "normalize");
    assertEquals({ content: normal.content, consumed: normal.consumed }, expected(input, true), JSON.stringify(input));
    assertEquals(`${normal.wire}.\r\n`, text(stuff(octets(normal.content))), "what a sender of that content sends");
    for (const receiver of RECEIVERS) {
      const lines = (receiver.ignoresNul ? normal.content.replaceAll("\0", "") : normal.content).split("\r\n");
      const seen = receive(`${normal.wire}.\r\nQUIT`, receiver);
      assertEquals(seen, { mail: lines.slice(0, -1), rest: ["QUIT"] }, JSON.stringify(input));
    }
  }
});

Deno.test("DotReader.push() gives the same however the stream is cut", () => {
  const random = randomSource(3);
  for (let round = 0; round < 600; round++) {
    const input = octets(oddInput(random));
    for (const mode of ["keep", "normalize"] as const) {
      const whole = read([input], mode);
      assertEquals(read(Array.from(input, (byte) => Uint8Array.of(byte)), mode), whole, JSON.stringify(text(input)));
      for (let at = 1; at < input.length; at++) {
        const parts = read([input.subarray(0, at), input.subarray(at)], mode);
        assertEquals(parts, whole, `${JSON.stringify(text(input))} cut at ${at}`);
      }
    }
  }
});

Deno.test("DotReader.push() finds control characters at every distance and on every word boundary", () => {
  const memory = new Uint8Array(96).fill(0x41);
  for (let start = 0; start < 8; start++) {
    for (let length = 0; length < 40; length++) {
      const chunk = memory.subarray(start, start + length + 5);
      chunk.fill(0x80);
      chunk.set([13, 10, 46, 13, 10], length);
      const step = new DotReader({ bareNewline: "normalize" }).push(chunk);
      assertEquals([step.consumed, step.content.length, step.offence], [length + 5, length + 2, null]);
    }
  }
});

Deno.test("stuff() is what DotReader undoes", () => {
  const random = randomSource(4);
  for (let round = 0; round < 2000; round++) {
    const content = round % 2 === 0 ? octets(oddInput(random)) : randomBytes(random, Math.floor(random() * 300));
    const wire = stuff(content);
    const block = read([wire], "keep");
    const whole = text(content);
    assertEquals(block.content, whole === "" || whole.endsWith("\r\n") ? whole : `${whole}\r\n`);
    assertEquals([block.ended, block.consumed], [true, wire.length]);
  }
});

Deno.test("DotEncoder gives the same however the content is cut", () => {
  const random = randomSource(5);
  for (let round = 0; round < 500; round++) {
    const content = octets(oddInput(random));
    const encoder = new DotEncoder();
    const parts = Array.from(content, (byte) => new Uint8Array(encoder.push(Uint8Array.of(byte))));
    assertEquals(text(concatBytes([...parts, encoder.finish()])), text(stuff(content)));
  }
});

Deno.test("DotEncoder.finish() ends the last line where the content does not", () => {
  assertEquals(stuff(octets("")), encodeUtf8(".\r\n"));
  assertEquals(stuff(octets("a\r\n")), encodeUtf8("a\r\n.\r\n"));
  assertEquals(stuff(octets("a")), encodeUtf8("a\r\n.\r\n"));
  assertEquals(stuff(octets(".a\r\n.\r\n")), encodeUtf8("..a\r\n..\r\n.\r\n"));
});

const corpus = corpusFiles();

Deno.test({
  name: `DotReader brings ${corpus.length} real mails back octet for octet, in chunks of any size`,
  ignore: corpus.length === 0,
  async fn() {
    const random = randomSource(6);
    for (const path of corpus) {
      const content = await Deno.readFile(path);
      const wire = stuff(content);
      const reader = new DotReader({ bareNewline: "keep" });
      const [wires, contents]: Uint8Array[][] = [[], []];
      for (let at = 0; at < wire.length;) {
        const step = reader.push(wire.subarray(at, at += 1 + Math.floor(random() * 4000)));
        wires?.push(step.wire);
        contents?.push(step.content);
        assertEquals(step.ended, at >= wire.length, path);
      }
      const whole = concatBytes(contents ?? []);
      assert(whole.length - content.length <= 2);
      assertEquals(whole.subarray(0, content.length).every((byte, index) => byte === content[index]), true, path);
      assertEquals(concatBytes(wires ?? []).length, wire.length - END_MARKER.length, path);
    }
  },
});
