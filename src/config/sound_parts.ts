import * as v from "valibot";
import { type ParsedProxy, proxySchema } from "./proxy_schema.ts";
import {
  archiveSchema,
  configSchema,
  type ParsedArchive,
  type ParsedConfig,
  type ParsedProfile,
  profileSchema,
} from "./schema.ts";

/** Those parts of a document that are right by themselves, so that mistakes between them are found along with others. */
export interface SoundParts {
  readonly settings: Omit<ParsedConfig, "proxies" | "archive" | "profiles">;
  readonly proxies: readonly { readonly index: number; readonly parsed: ParsedProxy }[];
  readonly archive: ParsedArchive | undefined;
  readonly profiles: readonly (readonly [name: string, parsed: ParsedProfile])[];
}

/** All parts of a document without mistakes, else the right ones, and defaults in place of wrong settings. */
export function soundParts(document: unknown): SoundParts {
  const whole = v.safeParse(configSchema, document);
  if (whole.success) {
    const { proxies, archive, profiles, ...settings } = whole.output;
    return {
      settings,
      proxies: proxies.map((parsed, index) => ({ index, parsed })),
      archive,
      profiles: Object.entries(profiles),
    };
  }
  const given = new Map(Object.entries(objectOr(document)));
  const proxies = given.get("proxies");
  return {
    settings: v.parse(configSchema, {}),
    proxies: (Array.isArray(proxies) ? proxies : []).flatMap((each, index) =>
      ifRight(proxySchema, each).map((parsed) => ({ index, parsed }))
    ),
    archive: ifRight(archiveSchema, given.get("archive"))[0],
    profiles: Object.entries(objectOr(given.get("profiles"))).flatMap(([name, each]) =>
      ifRight(profileSchema, each).map((parsed) => [name, parsed] as const)
    ),
  };
}

/** What the schema makes of a value, as a list of one; empty where the value is wrong. */
function ifRight<const Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema>[] {
  const result = v.safeParse(schema, value);
  return result.success ? [result.output] : [];
}

function objectOr(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
