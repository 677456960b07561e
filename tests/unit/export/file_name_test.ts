import { assertEquals, assertMatch } from "@std/assert";
import { mailFileName } from "../../../src/export/file_name.ts";

const ID = "0123456789abcdef".repeat(4);

function nameOf(subject: string): string {
  return mailFileName({ sha256: ID, date: new Date("2026-11-24T11:55:01.123Z"), subject });
}

Deno.test("mailFileName() tells time, subject and id", () => {
  assertEquals(nameOf("Invoice 2026-11"), "20261124T115501Z Invoice 2026-11 0123456789ab.eml");
  assertEquals(nameOf("Grüße, 请 查收"), "20261124T115501Z Grüße, 请 查收 0123456789ab.eml");
  assertEquals(nameOf(""), "20261124T115501Z 0123456789ab.eml");
});

Deno.test("mailFileName() lets nothing of a subject leave the folder or trouble a system", () => {
  for (
    const subject of ["../../etc/passwd", "..\\..\\x", 'a/b\\c:d*e?f"g<h>i|j', "x\u0000y\nz\u202Eexe", "\u{1F600}"]
  ) {
    assertMatch(nameOf(subject), /^[^/\\:*?"<>|\p{Cc}\u202E]+ 0123456789ab\.eml$/u);
  }
  for (const letter of ["x", "请", "\u{20000}"]) {
    const bytes = new TextEncoder().encode(nameOf(letter.repeat(500))).length;
    assertEquals(bytes, "20261124T115501Z  0123456789ab.eml".length + 120);
  }
});
