import { assertEquals } from "@std/assert";
import { configReference, DOC_FILE, referenceIn, withoutLayout } from "./reference.ts";

Deno.test("docs/configuration.md lists every key as the schema has it", async () => {
  const written = referenceIn(await Deno.readTextFile(DOC_FILE)) ?? "";
  assertEquals(
    withoutLayout(written),
    withoutLayout(configReference()),
    "write it anew by tests/unit/config/reference.ts",
  );
});
