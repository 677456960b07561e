import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parsePasswordHash, verifyPassword } from "../../../src/sasl/password_hash.ts";

const main = fromFileUrl(new URL("../../../main.ts", import.meta.url));

async function password(stdin: string, ...args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", main, "password", ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout } = await child.output();
  return { code, output: new TextDecoder().decode(stdout).trim() };
}

Deno.test("password prints a hash of the first line of stdin", async () => {
  const { code, output } = await password("open sesame\nand more\n");
  const hash = parsePasswordHash(output);
  assertEquals(code, 0);
  assert(hash !== null && await verifyPassword("open sesame", hash));
  const { passwordHash } = JSON.parse((await password("x", "--json")).output);
  const inJson = parsePasswordHash(passwordHash);
  assert(inJson !== null && await verifyPassword("x", inJson));
});

Deno.test("password wants one", async () => {
  assertEquals(await password("\n"), { code: 2, output: "" });
});
