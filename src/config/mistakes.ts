import * as v from "valibot";
import { MailteeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { type Shape, shapeOf } from "./shape.ts";

/** One thing that is wrong with a config. */
export interface Mistake {
  /** Where in the document: `proxies[1].target.port`; "" for the whole document. */
  readonly path: string;
  /** What is wrong, in words that follow the path and a colon. */
  readonly problem: string;
}

export type Path = readonly (string | number)[];

/** `["proxies", 1, "target", "port"]` → `proxies[1].target.port`. */
export function pathText(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** The error that lists all mistakes of a file, in the order of their paths' appearance. */
export function configError(file: string, mistakes: readonly Mistake[]): MailteeError {
  const lines = mistakes.map(({ path, problem }) => path === "" ? problem : `${path}: ${problem}`);
  const [only = ""] = lines;
  const message = lines.length === 1
    ? `${file}: ${only}`
    : `${file} has ${lines.length} mistakes:\n${lines.map((line) => `  ${line}`).join("\n")}`;
  return new MailteeError("config", message, {
    hint: "`mailtee init --types` writes mailtee.d.ts, which tells what each key takes.",
  });
}

/** All mistakes of `input` by the schema: wrong values, missing keys, unknown keys. Empty where there are none. */
export function schemaMistakes(schema: v.GenericSchema, input: unknown, at: Path = []): readonly Mistake[] {
  const wrong = (v.safeParse(schema, input).issues ?? []).flatMap((issue) => valueMistake(issue, at));
  return [...keyMistakes(shapeOf(schema), input, at), ...wrong].toSorted((a, b) => byPath.compare(a.path, b.path));
}

const byPath = new Intl.Collator("en", { numeric: true });

/** A value that isn't allowed; none for a key that is missing or unknown, which `keyMistakes` tells better. */
function valueMistake(issue: v.BaseIssue<unknown>, at: Path): Mistake[] {
  if (issue.type === "object" && issue.path !== undefined && issue.input === undefined) return [];
  const steps = (issue.path ?? []).map((item) => typeof item.key === "number" ? item.key : String(item.key));
  const found = isSecretPath(steps) ? kindOf(issue.input) : foundText(issue.input);
  const near = typeof issue.input === "string" ? nearest(issue.input, quotedWords(issue.message)) : undefined;
  const hint = near === undefined ? "" : ` Did you mean ${JSON.stringify(near)}?`;
  return [{ path: pathText([...at, ...steps]), problem: `found ${found}; allowed: ${issue.message}.${hint}` }];
}

/** The words that are allowed, where the message is a list of words. */
function quotedWords(message: string): readonly string[] {
  return message.startsWith('"') ? [...message.matchAll(/"([^"]*)"/g)].map(([, word = ""]) => word) : [];
}

function isSecretPath(steps: Path): boolean {
  return steps.includes("password") || steps.includes("passwordHash");
}

const SHOWN_CHARACTERS = 60;

function foundText(value: unknown): string {
  if (typeof value === "string") {
    const short = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
    return JSON.stringify(short);
  }
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  return kindOf(value);
}

/** "a string", "a list": what can be said of a value without telling it. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Every key of `input` that the shape doesn't know, with the nearest one that it does, and every key that is missing. */
function keyMistakes(shape: Shape, input: unknown, path: Path): Mistake[] {
  switch (shape.kind) {
    case "leaf":
      return [];
    case "list":
      return Array.isArray(input)
        ? input.flatMap((each, index) => keyMistakes(shape.item, each, [...path, index]))
        : [];
    case "map":
      return entriesOf(input).flatMap(([name, value]) => keyMistakes(shape.value, value, [...path, name]));
    case "either": {
      const option = chosenOption(shape, input);
      return option === undefined ? [] : keyMistakes(option, input, path);
    }
    case "object": {
      const given = new Map(entriesOf(input));
      const below = [...given].flatMap(([name, value]) => {
        const known = shape.keys.get(name);
        if (known !== undefined) return keyMistakes(known.shape, value, [...path, name]);
        return [{ path: pathText([...path, name]), problem: unknownText(name, shape.keys, given) }];
      });
      if (!isObject(input)) return below;
      const missing = [...shape.keys].filter(([name, { required }]) => required && given.get(name) === undefined);
      return [
        ...below,
        ...missing.map(([name, { doc }]) => ({ path: pathText([...path, name]), problem: `is missing. ${doc}` })),
      ];
    }
  }
}

function unknownText(
  name: string,
  known: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, unknown>,
): string {
  const free = [...known.keys()].filter((each) => !given.has(each));
  const near = nearest(name, free) ?? nearest(name, known.keys());
  if (near !== undefined) return `unknown key. Did you mean ${near}?`;
  return free.length === 0 ? "unknown key." : `unknown key; allowed: ${free.join(", ")}.`;
}

/** The option that `input` takes: by the deciding key, else by being a list or an object. */
function chosenOption(shape: Extract<Shape, { kind: "either" }>, input: unknown): Shape | undefined {
  const { by, options } = shape;
  if (by === undefined) {
    const objects = options.filter((each) => each.kind === "object");
    return Array.isArray(input)
      ? options.find((each) => each.kind === "list")
      : objects.length === 1
      ? objects[0]
      : undefined;
  }
  const decided = JSON.stringify(new Map(entriesOf(input)).get(by));
  return options.find((each) => {
    const decider = each.kind === "object" ? each.keys.get(by)?.shape : undefined;
    return decider?.kind === "leaf" && decider.type.split(" | ").includes(decided);
  });
}

function isObject(input: unknown): input is object {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}

function entriesOf(input: unknown): [string, unknown][] {
  return isObject(input) ? Object.entries(input) : [];
}
