import { assertEquals, assertNotMatch, assertThrows } from "@std/assert";
import { inspect } from "node:util";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { Secret } from "../../../src/config/secret.ts";
import { complaintAbout, withFolder } from "./folder.ts";

/** A config whose proxy logs in with this password, written as TypeScript. */
function heldBy(password: string): string {
  return `export default { proxies: [{ kind: "smtp", listen: [{ address: "::1" }], target: {
    host: "a.example", credentials: { username: "office", password: ${password} } } }] };`;
}

async function passwordIn(folder: string): Promise<Secret | undefined> {
  return (await loadConfig(folder, { secrets: "required" })).proxies[0]?.target.credentials?.password;
}

Deno.test("Secret conceals itself in every text", () => {
  const secret = Secret.of("hunter2");
  const texts = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    Deno.inspect({ secret }),
    inspect({ secret }, { showHidden: true }),
    Object.entries(secret).join(),
  ];
  for (const text of texts) assertNotMatch(text, /hunter2/);
  assertEquals(JSON.stringify({ secret }), `{"secret":"(set)"}`);
  assertEquals(secret.reveal(), "hunter2");
});

Deno.test("loadConfig() takes a secret from the config, from .env and from a file without its last newline", async () => {
  await withFolder({ "proxy.config.ts": heldBy(`"hunter2"`) }, async (folder) => {
    assertEquals((await passwordIn(folder))?.reveal(), "hunter2");
  });
  const env = {
    "proxy.config.ts": heldBy(`{ env: "MAILTEE_TEST_PASSWORD" }`),
    ".env": `MAILTEE_TEST_PASSWORD="hun#ter 2"\n`,
  };
  await withFolder(env, async (folder) => {
    assertEquals((await passwordIn(folder))?.reveal(), "hun#ter 2");
  });
  for (const text of ["hunter2 ", "hunter2 \n", "hunter2 \r\n"]) {
    await withFolder({ "proxy.config.ts": heldBy(`{ file: "password" }`), password: text }, async (folder) => {
      const secret = await passwordIn(folder);
      assertEquals(secret?.reveal(), "hunter2 ");
      assertEquals(secret?.source, { kind: "file", path: join(folder, "password") });
    });
  }
});

Deno.test("loadConfig() names a secret that isn't there, where secrets are required", async () => {
  const at = "DIR/proxy.config.ts: proxies[0].target.credentials.password:";
  const required = { secrets: "required" } as const;
  assertEquals(
    await complaintAbout({ "proxy.config.ts": heldBy(`{ env: "MAILTEE_TEST_UNSET" }`) }, required),
    `${at} the environment variable MAILTEE_TEST_UNSET isn't set.`,
  );
  assertEquals(
    await complaintAbout({ "proxy.config.ts": heldBy(`{ file: "password" }`), password: "\n" }, required),
    `${at} the file DIR/password is empty.`,
  );
  const missing = await complaintAbout({ "proxy.config.ts": heldBy(`{ file: "password" }`) }, required);
  assertEquals(missing.startsWith(`${at} the file DIR/password can't be read: `), true);
});

Deno.test("loadConfig() leaves a missing secret for later, unless secrets are required", async () => {
  await withFolder({ "proxy.config.ts": heldBy(`{ env: "MAILTEE_TEST_UNSET" }`) }, async (folder) => {
    const password = (await loadConfig(folder)).proxies[0]?.target.credentials?.password;
    assertThrows(() => password?.reveal(), MailteeError, "the environment variable MAILTEE_TEST_UNSET isn't set.");
  });
});
