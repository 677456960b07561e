import { assertEquals } from "@std/assert";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../../../src/base/bytes.ts";
import { crlfLines, unquoteFromLines, unstuffDots } from "../../../../src/ingest/import/line_transforms.ts";

type Transform = (octets: AsyncIterable<Uint8Array<ArrayBuffer>>) => AsyncIterable<Uint8Array<ArrayBuffer>>;

async function* pieces(text: string, cuts: readonly number[]): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let from = 0;
  for (const cut of [...cuts, text.length]) {
    yield encodeUtf8(text.slice(from, cut));
    from = cut;
  }
}

async function transformed(transform: Transform, text: string, cuts: readonly number[]): Promise<string> {
  return decodeUtf8(concatBytes(await Array.fromAsync(transform(pieces(text, cuts)))));
}

const CASES: readonly (readonly [name: string, transform: Transform, from: string, to: string])[] = [
  [
    "crlfLines() makes LF CRLF and leaves CRLF and CR",
    crlfLines,
    "\na\nb\r\n\rc\r\r\n\n",
    "\r\na\r\nb\r\n\rc\r\r\n\r\n",
  ],
  ["crlfLines() adds no end to a last line", crlfLines, "a\nb", "a\r\nb"],
  [
    "unquoteFromLines() takes one quote",
    unquoteFromLines,
    ">From a\n>>From b\n> From c\n>Fro",
    "From a\n>From b\n> From c\n>Fro",
  ],
  ["unquoteFromLines() leaves quotes within lines", unquoteFromLines, "a >From b\n>>>\n>From", "a >From b\n>>>\n>From"],
  ["unstuffDots() takes a line's first dot", unstuffDots, "..\n.a\nb.\n\n...c\n", ".\na\nb.\n\n..c\n"],
];

for (const [name, transform, from, to] of CASES) {
  Deno.test(`${name}, wherever the stream is cut`, async () => {
    assertEquals(await transformed(transform, from, []), to);
    for (let cut = 1; cut < from.length; cut++) {
      assertEquals(await transformed(transform, from, [cut]), to, `at ${cut}`);
    }
    assertEquals(await transformed(transform, from, Array.from(from, (_, index) => index)), to);
  });
}

Deno.test("unquoteFromLines() doesn't hold a long run of quotes", async () => {
  const run = ">".repeat(200_000);
  assertEquals(await transformed(unquoteFromLines, run, [1, 100_000, 150_000]), run);
});
