import { assertEquals, assertStringIncludes } from "@std/assert";
import { decodeUtf8 } from "../../src/base/bytes.ts";
import { shellIn } from "./mailtee.ts";

Deno.test("mailtee demo ends with 0, says so, and leaves nothing behind", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-e2e-" });
  try {
    const { code, stdout, stderr } = await shellIn(folder, { TMPDIR: folder }).mailtee("demo");
    assertEquals(code, 0, decodeUtf8(stdout) + stderr);
    assertStringIncludes(decodeUtf8(stdout), "Every step gave what it should.");
    assertEquals(stderr, "");
    const left = Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) => name.startsWith("mailtee-"));
    assertEquals(left, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
