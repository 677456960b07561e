/** How the schema is put together: keys with their meaning, objects with their keys. */

import * as v from "valibot";

/** A key with its meaning. */
export function key<const Schema extends v.GenericSchema>(schema: Schema, doc: string) {
  return v.pipe(schema, v.description(doc));
}

/** A key that may be left out; what it is then can't be told by one value, so it is told in words. */
export function depends<const Schema extends v.GenericSchema>(schema: Schema, doc: string, defaultWords: string) {
  return v.optional(v.pipe(schema, v.description(doc), v.metadata({ defaultWords })));
}

/** An object with these keys and no others; its type has a name in `mailtee.d.ts`. */
export function section<const Entries extends v.ObjectEntries>(name: string, entries: Entries) {
  return v.pipe(
    v.object(entries, `an object with ${Object.keys(entries).join(", ")}`),
    v.title(name),
  );
}

/** A list of items that `allowed` names. */
export function list<const Item extends v.GenericSchema>(item: Item, allowed: string) {
  return v.array(item, `a list of ${allowed}`);
}
