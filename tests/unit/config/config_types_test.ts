import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { configTypes, typeText } from "../../../src/config/config_types.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { configSchema } from "../../../src/config/schema.ts";
import { type Shape, shapeOf } from "../../../src/config/shape.ts";
import { EXAMPLE_ANSWERS, starterEnv, starterTypeScript, starterYaml } from "../../../src/config/starter.ts";
import { withFolder } from "./folder.ts";

const examples = fromFileUrl(new URL("../../../examples/", import.meta.url));

Deno.test("configTypes() gives what examples/mailtee.d.ts holds", async () => {
  assertEquals(await Deno.readTextFile(join(examples, "mailtee.d.ts")), configTypes());
});

Deno.test("configTypes() documents every key", () => {
  const undocumented: string[] = [];
  const visit = (shape: Shape, path: string): void => {
    if (shape.kind === "list") visit(shape.item, path);
    if (shape.kind === "map") visit(shape.value, path);
    if (shape.kind === "either") shape.options.forEach((option) => visit(option, path));
    if (shape.kind !== "object" || shape.name === undefined) return;
    for (const [key, { doc, shape: inner }] of shape.keys) {
      if (doc === "") undocumented.push(`${path}.${key}`);
      visit(inner, `${path}.${key}`);
    }
  };
  visit(shapeOf(configSchema), "config");
  assertEquals(undocumented, []);
});

Deno.test("configTypes() writes optional keys with their defaults", () => {
  assertStringIncludes(
    configTypes(),
    "  /**\n   * Open connections in all.\n   * @default 1000\n   */\n  readonly connections?: number;\n",
  );
  assertStringIncludes(configTypes(), "  /** Where clients connect. */\n  readonly listen: readonly Listen[];\n");
});

Deno.test("typeText() writes the TypeScript type of each kind", () => {
  const leaf = { kind: "leaf", type: "string" } as const;
  const key = { shape: leaf, doc: "", required: true, defaultText: undefined };
  const object: Shape = { kind: "object", name: undefined, keys: new Map([["a", key], ["b", key]]) };
  const either: Shape = { kind: "either", by: undefined, options: [leaf, object] };
  assertEquals(typeText(object), "{ readonly a: string; readonly b: string }");
  assertEquals(typeText({ kind: "list", item: leaf }), "readonly string[]");
  assertEquals(
    typeText({ kind: "list", item: either }),
    "readonly (string | { readonly a: string; readonly b: string })[]",
  );
  assertEquals(typeText({ kind: "map", value: leaf }), "Readonly<Record<string, string>>");
});

Deno.test("starterTypeScript() and starterYaml() write the same config, which loads", async () => {
  const answers = [
    EXAMPLE_ANSWERS,
    { ...EXAMPLE_ANSWERS, smtpUser: `o'ffice"\\` },
    { ...EXAMPLE_ANSWERS, listenAddress: "::", user: { name: "b: #", addresses: [], pop3Users: ["x, y"] } },
  ];
  for (const each of answers) {
    const files = {
      "proxy.config.ts": starterTypeScript(each),
      "proxy.config.yaml": starterYaml(each),
      ".env": starterEnv(),
    };
    await withFolder(files, async (folder) => {
      const load = (name: string) => loadConfig(join(folder, name), { secrets: "required" });
      const { file: _, ...typescript } = await load("proxy.config.ts");
      const { file: __, ...yaml } = await load("proxy.config.yaml");
      assertEquals(JSON.stringify(yaml), JSON.stringify(typescript));
      assertEquals(typescript.proxies[0]?.target.credentials?.username ?? null, each.smtpUser);
      assertEquals(typescript.archive?.users, [each.user]);
    });
  }
});
