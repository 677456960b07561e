/**
 * The part of docs/configuration.md that lists every key, made from the schema. Run as a program, it writes that part
 * anew: `deno run -A tests/unit/config/reference.ts && deno fmt docs/configuration.md`.
 */

import { fromFileUrl } from "@std/path";
import { typeText } from "../../../src/config/config_types.ts";
import { configSchema } from "../../../src/config/schema.ts";
import { type Shape, shapeOf } from "../../../src/config/shape.ts";

export const DOC_FILE = fromFileUrl(new URL("../../../docs/configuration.md", import.meta.url));

const BEGIN = "<!-- keys: made from the schema -->";
const END = "<!-- end of keys -->";

/** Every section of the config with its keys, in Markdown. */
export function configReference(): string {
  const sections = new Map<string, string>();
  const queue: [shape: Shape, path: string][] = [[shapeOf(configSchema), ""]];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [shape, path] = next;
    if (shape.kind === "list") queue.push([shape.item, `${path}[]`]);
    if (shape.kind === "map") queue.push([shape.value, `${path}.NAME`]);
    if (shape.kind === "either") shape.options.forEach((option) => queue.push([option, path]));
    if (shape.kind !== "object" || shape.name === undefined || sections.has(shape.name)) continue;
    sections.set(shape.name, sectionText(shape, path));
    for (const [key, { shape: inner }] of shape.keys) queue.push([inner, path === "" ? key : `${path}.${key}`]);
  }
  return [...sections.values()].join("\n");
}

function sectionText(shape: Extract<Shape, { kind: "object" }>, path: string): string {
  const kind = shape.keys.get("kind")?.shape;
  const words = kind?.kind === "leaf" ? `, kind ${kind.type.replaceAll(" | ", " or ")}` : "";
  const rows = [...shape.keys].map(([key, { shape: inner, doc, required, defaultText }]) => {
    const type = typeText(inner).replaceAll("readonly ", "");
    const fallback = required
      ? "required"
      : defaultText === undefined
      ? "optional"
      : `default ${codeOrWords(defaultText)}`;
    return `- **\`${key}\`** (\`${type}\`, ${fallback}) ${outsideCode(doc)}\n`;
  });
  return `### ${shape.name}: ${path === "" ? "the document" : `\`${path}\``}${words}\n\n${rows.join("")}`;
}

/** Stars are stars, not emphasis; those in code are anyway. */
function outsideCode(text: string): string {
  return text.split("`").map((part, index) => index % 2 === 0 ? part.replaceAll("*", "\\*") : part).join("`");
}

function codeOrWords(text: string): string {
  return /^(?:"[^"]*"|\d+|true|false|\[[^\]]*\])$/.test(text) ? `\`${text}\`` : text;
}

/** The same part as it stands in the document; undefined where its marks are missing. */
export function referenceIn(document: string): string | undefined {
  return document.split(BEGIN)[1]?.split(END)[0];
}

/** Words alone: the formatter wraps lines. */
export function withoutLayout(markdown: string): string {
  return markdown.replaceAll(/\s+/g, " ").trim();
}

if (import.meta.main) {
  const document = await Deno.readTextFile(DOC_FILE);
  const [before, rest] = document.split(BEGIN);
  const [, after] = rest?.split(END) ?? [];
  await Deno.writeTextFile(DOC_FILE, `${before}${BEGIN}\n\n${configReference()}\n${END}${after}`);
}
