import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { parse } from "@std/yaml";
import { exposures } from "../../../src/config/exposure.ts";
import { loadConfig } from "../../../src/config/load.ts";

const examples = fromFileUrl(new URL("../../../examples/", import.meta.url));

async function configNames(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(examples));
  return entries.map(({ name }) => name).filter((name) => /\.config\.(ts|yaml)$/.test(name)).sort();
}

Deno.test("every example loads, and is in the table of examples/README.md", async () => {
  const names = await configNames();
  assertGreater(names.length, 6);
  const table = await Deno.readTextFile(join(examples, "README.md"));
  for (const name of names) {
    const config = await loadConfig(join(examples, name));
    assertEquals(config.file, join(examples, name));
    assertStringIncludes(table, `[${name}](${name})`);
  }
});

Deno.test("no example may relay for strangers by accident", async () => {
  for (const name of await configNames()) {
    const warned = exposures(await loadConfig(join(examples, name))).map(({ where }) => where);
    // The one for incoming mail is open on purpose, and says so.
    assertEquals([name, warned], [name, name === "incoming_mail.config.ts" ? ["proxies[0]"] : []]);
  }
});

Deno.test("the container example's files fit each other", async () => {
  const config = await loadConfig(join(examples, "container.config.ts"));
  const compose = parse(await Deno.readTextFile(join(examples, "container.compose.yaml")));
  const dockerfile = await Deno.readTextFile(join(examples, "container.Dockerfile"));
  const { ports, secrets, volumes } = Object(compose).services.mailtee;
  const listened = config.proxies.flatMap(({ listen }) => listen.map(({ port }) => String(port)));
  assertEquals(ports.map((mapping: string) => mapping.split(":")[1]), listened);
  assertStringIncludes(dockerfile, `EXPOSE ${listened.join(" ")}`);
  const source = config.proxies[0]?.target.credentials?.password.source;
  assert(source?.kind === "file");
  assertEquals(source.path, `/run/secrets/${secrets[0]}`);
  assertStringIncludes(volumes[1], ":/etc/mailtee/proxy.config.ts:ro");
  assertStringIncludes(dockerfile, "/etc/mailtee/proxy.config.ts");
});
