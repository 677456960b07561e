import { assert, assertEquals } from "@std/assert";

const SHOWN_CHARACTERS = 2000;

/** Fails unless a JSON document has these fields with these values; it may have more. */
export function assertFields(document: unknown, expected: Readonly<Record<string, unknown>>): void {
  assert(typeof document === "object" && document !== null);
  const fields = Object.fromEntries(Object.entries(document).filter(([name]) => name in expected));
  assertEquals(fields, expected, JSON.stringify(document).slice(0, SHOWN_CHARACTERS));
}
