import { configSchema } from "./schema.ts";
import { type KeyShape, type Shape, shapeOf } from "./shape.ts";

const HEADER = `/**
 * The types of proxy.config.ts, for your editor: \`import type { Config } from "./mailtee.d.ts"\`.
 * Made by \`mailtee init\`; \`mailtee init --types\` brings it up to date after an update of mailtee.
 */
`;

const DOC_COLUMNS = 110;

type ObjectShape = Extract<Shape, { kind: "object" }>;

/** The text of `mailtee.d.ts`: an interface for each section of the config, with its documentation. */
export function configTypes(): string {
  const interfaces = new Map<string, string>();
  const queue = namedObjects(shapeOf(configSchema));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { name, keys } = next;
    if (name === undefined || interfaces.has(name)) continue;
    interfaces.set(name, interfaceText(name, keys));
    queue.push(...[...keys.values()].flatMap((each) => namedObjects(each.shape)));
  }
  return [HEADER, ...interfaces.values()].join("\n");
}

function interfaceText(name: string, keys: ReadonlyMap<string, KeyShape>): string {
  const members = [...keys].map(([key, { doc, required, defaultText, shape }]) =>
    `${docComment(doc, defaultText)}  readonly ${key}${required ? "" : "?"}: ${typeText(shape)};\n`
  );
  return `export interface ${name} {\n${members.join("")}}\n`;
}

function docComment(doc: string, defaultText: string | undefined): string {
  const lines = wrap(doc, DOC_COLUMNS);
  if (defaultText !== undefined) lines.push(...wrap(`@default ${defaultText}`, DOC_COLUMNS));
  return lines.length === 1
    ? `  /** ${lines[0]} */\n`
    : `  /**\n${lines.map((line) => `   * ${line}\n`).join("")}   */\n`;
}

/** Words in lines of at most `columns` characters. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** The TypeScript type of a shape; sections with a name go by it. */
export function typeText(shape: Shape): string {
  switch (shape.kind) {
    case "leaf":
      return shape.type;
    case "object":
      return shape.name ?? inlineObject(shape);
    case "list": {
      const item = typeText(shape.item);
      return `readonly ${item.includes(" ") ? `(${item})` : item}[]`;
    }
    case "map":
      return `Readonly<Record<string, ${typeText(shape.value)}>>`;
    case "either":
      return shape.options.map(typeText).join(" | ");
  }
}

function inlineObject(shape: ObjectShape): string {
  return `{ ${[...shape.keys].map(([key, { shape }]) => `readonly ${key}: ${typeText(shape)}`).join("; ")} }`;
}

/** The objects that a shape names, not those further inside them. */
function namedObjects(shape: Shape): ObjectShape[] {
  switch (shape.kind) {
    case "leaf":
      return [];
    case "object":
      return [shape];
    case "list":
      return namedObjects(shape.item);
    case "map":
      return namedObjects(shape.value);
    case "either":
      return shape.options.flatMap(namedObjects);
  }
}
