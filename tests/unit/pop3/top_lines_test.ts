import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { BodyLines } from "../../../src/pop3/top_lines.ts";

const mails: readonly (readonly [string, number])[] = [
  ["", 0],
  ["Subject: x\r\n", 0],
  ["Subject: x\r\n\r\n", 0],
  ["Subject: x\r\n\r\none\r\n", 1],
  ["Subject: x\r\n\r\none\r\n\r\nthree\r\n", 3],
  ["Subject: x\n\none\ntwo\n", 2],
  ["Subject: x\r\n\r\nopen", 1],
  ["\r\nbody at once\r\n", 1],
  ["A: b\r\n \r\nC: d\r\n\r\nbody\r\n", 1],
];

Deno.test("BodyLines counts the body's lines wherever the mail is cut", () => {
  for (const [mail, count] of mails) {
    const octets = encodeUtf8(mail);
    for (let cut = 0; cut <= octets.length; cut++) {
      const lines = new BodyLines();
      lines.push(octets.subarray(0, cut));
      lines.push(octets.subarray(cut));
      assertEquals(lines.count, count, JSON.stringify([mail, cut]));
    }
    const bytewise = new BodyLines();
    for (const octet of octets) bytewise.push(new Uint8Array([octet]));
    assertEquals(bytewise.count, count);
  }
});
