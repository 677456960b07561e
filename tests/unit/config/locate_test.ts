import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { configLanguage, locateConfig } from "../../../src/config/locate.ts";
import { withFolder } from "./folder.ts";

Deno.test("locateConfig() goes by the command line, then $MAILTEE_CONFIG, then the working folder", async () => {
  const files = { "proxy.config.ts": "", "proxy.config.yaml": "", "a.ts": "", "b.ts": "" };
  await withFolder(files, async (folder) => {
    const locate = (option: string | undefined, variable: string | undefined) =>
      locateConfig(option, {
        workingDirectory: folder,
        variable: (name) => name === "MAILTEE_CONFIG" ? variable : "no",
      });
    assertEquals(await locate("b.ts", "a.ts"), join(folder, "b.ts"));
    assertEquals(await locate(join(folder, "b.ts"), undefined), join(folder, "b.ts"));
    assertEquals(await locate(undefined, "a.ts"), join(folder, "a.ts"));
    assertEquals(await locate(undefined, ""), join(folder, "proxy.config.ts"));
    assertEquals(await locate(undefined, undefined), join(folder, "proxy.config.ts"));
    await Deno.remove(join(folder, "proxy.config.ts"));
    assertEquals(await locate(undefined, undefined), join(folder, "proxy.config.yaml"));
  });
});

Deno.test("locateConfig() takes a folder for the config in it", async () => {
  await withFolder({ "proxy.config.yaml": "" }, async (folder) => {
    const surroundings = { workingDirectory: "/", variable: () => undefined };
    assertEquals(await locateConfig(folder, surroundings), join(folder, "proxy.config.yaml"));
  });
});

Deno.test("locateConfig() says what isn't there, and where it was named", async () => {
  await withFolder({}, async (folder) => {
    const locate = (option: string | undefined, variable: string | undefined) => () =>
      locateConfig(option, { workingDirectory: folder, variable: () => variable });
    const none = await assertRejects(locate(undefined, undefined), MailteeError, "There is no proxy.config.ts");
    assertEquals(none.hint?.includes("mailtee init"), true);
    await assertRejects(locate("x.ts", undefined), MailteeError, `${join(folder, "x.ts")} isn't there.`);
    await assertRejects(locate(undefined, "x.ts"), MailteeError, "($MAILTEE_CONFIG) isn't there.");
    await assertRejects(locate(folder, undefined), MailteeError, "There is no proxy.config.ts");
  });
});

Deno.test("configLanguage() goes by the name", () => {
  for (const name of ["a.ts", "b.mts", "c.js", "d.mjs", "E.TS"]) assertEquals(configLanguage(name), "typescript");
  for (const name of ["a.yaml", "b.yml", "c.json"]) assertEquals(configLanguage(name), "yaml");
  for (const name of ["config", "a.toml"]) {
    let code: string | undefined;
    try {
      configLanguage(name);
    } catch (error) {
      if (error instanceof MailteeError) code = error.code;
    }
    assertEquals([name, code], [name, "config"]);
  }
});
