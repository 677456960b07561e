import { assertEquals, assertRejects } from "@std/assert";
import { decodeLatin1, encodeUtf8 } from "../../../src/base/bytes.ts";
import { stuff, unstuff, Wire } from "../../../src/demo/wire.ts";

const BLOCKS: readonly (readonly [content: string, wire: string])[] = [
  ["", ".\r\n"],
  ["a\r\n", "a\r\n.\r\n"],
  ["a", "a\r\n.\r\n"],
  [".\r\n", "..\r\n.\r\n"],
  ["..\r\n.a\r\n", "...\r\n..a\r\n.\r\n"],
  ["a\r\n\r\n", "a\r\n\r\n.\r\n"],
  ["a\n.\nb\r\n", "a\n.\nb\r\n.\r\n"],
  ["a\r.\rb\r\n", "a\r.\rb\r\n.\r\n"],
  ["a\n.\r\nb\r\n", "a\n.\r\nb\r\n.\r\n"],
  ["a.\r\n", "a.\r\n.\r\n"],
];

Deno.test("stuff() doubles dots at the beginning of lines that CRLF ends, and closes the block", () => {
  for (const [content, wire] of BLOCKS) assertEquals(decodeLatin1(stuff(encodeUtf8(content))), wire);
});

Deno.test("unstuff() takes one dot from every line that begins with one", () => {
  for (const [content, wire] of BLOCKS) {
    const block = wire.slice(0, -".\r\n".length);
    const expected = content === "" || content.endsWith("\r\n") ? content : `${content}\r\n`;
    assertEquals(decodeLatin1(unstuff(encodeUtf8(block))), expected);
  }
});

Deno.test("Wire reads the same lines and blocks wherever the segments are cut", async () => {
  for (const [content, wire] of BLOCKS) {
    const bytes = encodeUtf8(`DATA\r\n${wire}QUIT\r\n`);
    const cuts = Array.from({ length: bytes.length }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
    for (const segments of [...cuts, Array.from(bytes, (byte) => Uint8Array.of(byte))]) {
      const read = new Wire(connectionOf(segments));
      const expected = content === "" || content.endsWith("\r\n") ? content : `${content}\r\n`;
      assertEquals(await read.readLine(), "DATA");
      assertEquals(decodeLatin1(await read.readBlock() ?? Uint8Array.of(0)), expected);
      assertEquals(await read.readLine(), "QUIT");
      assertEquals(await read.readLine(), null);
    }
  }
});

Deno.test("Wire.readBlock() gives null where the stream ends before the line of one dot", async () => {
  for (const cut of ["", ".", ".\r", "a\r\n.", "a\r\n.\r", "a\n.\n", "a\r\n.\n"]) {
    assertEquals(await new Wire(connectionOf([encodeUtf8(cut)])).readBlock(), null, JSON.stringify(cut));
  }
});

Deno.test("Wire.readLine() refuses a line without end", async () => {
  const wire = new Wire(connectionOf([new Uint8Array(20_000).fill(65)]));
  await assertRejects(() => wire.readLine(), Error, "12288");
});

/** A connection that gives these segments, one a read at most. */
function connectionOf(segments: readonly Uint8Array[]): Pick<Deno.Conn, "read" | "write"> {
  const left = segments.filter((segment) => segment.length > 0);
  return {
    read: (buffer) => {
      const segment = left.shift();
      if (segment === undefined) return Promise.resolve(null);
      const taken = segment.subarray(0, buffer.length);
      buffer.set(taken);
      if (taken.length < segment.length) left.unshift(segment.subarray(taken.length));
      return Promise.resolve(taken.length);
    },
    write: (bytes) => Promise.resolve(bytes.length),
  };
}
