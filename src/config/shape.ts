/** What the schema says, as plain data: for the types, the tables and the error messages that are made from it. */

import * as v from "valibot";

export type Shape =
  /** A value without keys; `type` is its TypeScript type. */
  | { readonly kind: "leaf"; readonly type: string }
  /** An object with known keys. `name` is that of its TypeScript interface, where it has one. */
  | { readonly kind: "object"; readonly name: string | undefined; readonly keys: ReadonlyMap<string, KeyShape> }
  | { readonly kind: "list"; readonly item: Shape }
  /** An object whose keys are names that people choose. */
  | { readonly kind: "map"; readonly value: Shape }
  /** One of several, which the value of the key `by` decides where there is one. */
  | { readonly kind: "either"; readonly by: string | undefined; readonly options: readonly Shape[] };

export interface KeyShape {
  readonly shape: Shape;
  readonly doc: string;
  readonly required: boolean;
  /** The default as JSON, or in words where it depends; undefined for a required key, and for objects ({}). */
  readonly defaultText: string | undefined;
}

/** The shape of a schema made of those kinds that the config uses. Throws TypeError for any other kind. */
export function shapeOf(schema: v.GenericSchema): Shape {
  if (isOptional(schema)) return shapeOf(schema.wrapped);
  if (isObject(schema)) {
    const keys = new Map(Object.entries(schema.entries).map(([name, entry]) => [name, keyShape(entry)]));
    return { kind: "object", name: v.getTitle(schema), keys };
  }
  if (isArray(schema)) return { kind: "list", item: shapeOf(schema.item) };
  if (isRecord(schema)) return { kind: "map", value: shapeOf(schema.value) };
  if (isChoice(schema)) {
    const by = schema.type === "variant" ? schema.key : undefined;
    return { kind: "either", by, options: schema.options.map(shapeOf) };
  }
  if (isLazy(schema)) {
    return { kind: "either", by: undefined, options: [[], {}].map((given) => shapeOf(schema.getter(given))) };
  }
  return { kind: "leaf", type: leafType(schema) };
}

function keyShape(entry: v.GenericSchema): KeyShape {
  const inner = isOptional(entry) ? entry.wrapped : entry;
  const shape = shapeOf(inner);
  return {
    shape,
    doc: v.getDescription(inner) ?? "",
    required: !isOptional(entry),
    defaultText: isOptional(entry) ? defaultText(inner, v.getDefault(entry)) : undefined,
  };
}

function defaultText(inner: v.GenericSchema, value: unknown): string | undefined {
  const words = v.getMetadata(inner)["defaultWords"];
  if (typeof words === "string") return words;
  const json = JSON.stringify(value);
  return json === "{}" ? undefined : json;
}

function leafType(schema: v.GenericSchema): string {
  switch (schema.type) {
    case "string":
    case "number":
    case "boolean":
      return schema.type;
    case "literal":
    case "picklist":
      return wordsOf(schema).map((each) => JSON.stringify(each)).join(" | ");
  }
  throw new TypeError(`The config's schema uses the kind ${schema.type}, which has no shape.`);
}

/** The words that a picklist or literal allows. */
function wordsOf(schema: v.GenericSchema): readonly unknown[] {
  if ("options" in schema && Array.isArray(schema.options)) return schema.options;
  return "literal" in schema ? [schema.literal] : [];
}

function isOptional(schema: v.GenericSchema): schema is v.OptionalSchema<v.GenericSchema, unknown> {
  return schema.type === "optional";
}

function isObject(schema: v.GenericSchema): schema is v.ObjectSchema<Record<string, v.GenericSchema>, undefined> {
  return schema.type === "object" || schema.type === "strict_object";
}

function isArray(schema: v.GenericSchema): schema is v.ArraySchema<v.GenericSchema, undefined> {
  return schema.type === "array";
}

function isRecord(
  schema: v.GenericSchema,
): schema is v.RecordSchema<v.GenericSchema<string>, v.GenericSchema, undefined> {
  return schema.type === "record";
}

interface ChoiceSchema extends v.GenericSchema {
  readonly key: string | undefined;
  readonly options: readonly v.GenericSchema[];
}

function isChoice(schema: v.GenericSchema): schema is ChoiceSchema {
  return schema.type === "variant" || schema.type === "union";
}

function isLazy(schema: v.GenericSchema): schema is v.LazySchema<v.GenericSchema> {
  return schema.type === "lazy";
}
