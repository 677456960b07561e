import { assertEquals } from "@std/assert";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import type { Connection } from "../../../src/net/types.ts";
import { ClientLines } from "../../../src/smtp/client_lines.ts";
import { Doorbell } from "../../../src/net/doorbell.ts";
import { Leg } from "../../../src/smtp/leg.ts";

/** An input buffer without a socket. */
class Input {
  buffered = new Uint8Array(0);

  push(bytes: Uint8Array): void {
    this.buffered = concatBytes([this.buffered, bytes]);
  }

  consume(count: number): void {
    this.buffered = this.buffered.slice(count);
  }
}

function unused(): never {
  throw new Error("no socket here");
}

function legOf(input: Input): Leg {
  const connection: Connection = {
    remote: { address: "", port: 0 },
    local: { address: "", port: 0 },
    tls: null,
    get buffered() {
      return input.buffered;
    },
    consume: (count) => input.consume(count),
    detach: unused,
    fill: unused,
    setDeadline: unused,
    setReadSize: unused,
    write: unused,
    startServerTls: unused,
    startClientTls: unused,
    closeWrite: unused,
    close: unused,
  };
  return new Leg(connection, new Doorbell());
}

/** What comes out of a stream, given in pieces of a size: lines, and problems in parentheses. */
function linesOf(text: string, pieceBytes: number, bareNewline: "normalize" | "reject" = "normalize"): string[] {
  const input = new Input();
  const lines = new ClientLines(legOf(input), bareNewline);
  const bytes = encodeUtf8(text);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    input.push(bytes.subarray(at, at + pieceBytes));
    for (let next = lines.next(10, 20); next.kind !== "more"; next = lines.next(10, 20)) {
      found.push(next.kind === "line" ? decodeUtf8(next.line) : `(${next.problem})`);
      lines.consume();
    }
  }
  return found;
}

const table: readonly [text: string, lines: string[]][] = [
  ["NOOP\r\nQUIT\r\n", ["NOOP", "QUIT"]],
  ["\r\n\r\n", ["", ""]],
  ["12345678\r\n", ["12345678"]],
  ["123456789\r\n", ["(too-long)"]],
  ["123456789012345678901234567890\r\nNOOP\r\n", ["(too-long)", "NOOP"]],
  ["AUTH 1234567890123\r\nauth 1234567890123\r\n", ["AUTH 1234567890123", "auth 1234567890123"]],
  ["AUTH 12345678901234\r\nNOOP\r\n", ["(too-long)", "NOOP"]],
  ["AUTHX1234567\r\nNOOP\r\n", ["(too-long)", "NOOP"]],
  ["NOOP\nQUIT\n", ["NOOP", "QUIT"]],
  ["A\rB\r\nNOOP\r\n", ["(bare-cr)", "NOOP"]],
  ["NOOP\r\r\n", ["(bare-cr)"]],
  ["NOOP", []],
];

for (const [text, lines] of table) {
  Deno.test(`ClientLines of ${JSON.stringify(text)} are the same however they come in`, () => {
    for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++) {
      assertEquals(linesOf(text, pieceBytes), lines, `in pieces of ${pieceBytes}`);
    }
  });
}

Deno.test("ClientLines report lines that end in LF where these are refused", () => {
  assertEquals(linesOf("NOOP\nQUIT\r\n", 3, "reject"), ["(bare-lf)", "QUIT"]);
});
