/** What a search asks for, as a tree. `parseQuery` makes it of text, the catalog makes SQL of it. */

/** The indexed parts of a mail; "any" is all of them. */
export type TextField = "any" | "subject" | "from" | "to" | "body" | "attachment";

export type Query =
  /** All of them; an empty list is every mail. */
  | { readonly kind: "and"; readonly of: readonly Query[] }
  | { readonly kind: "or"; readonly of: readonly Query[] }
  | { readonly kind: "not"; readonly of: Query }
  /** Words that follow each other; with `prefix`, the last of them may go on. */
  | { readonly kind: "text"; readonly field: TextField; readonly text: string; readonly prefix: boolean }
  /** Names compare without regard to case. */
  | { readonly kind: "user"; readonly name: string }
  | { readonly kind: "proxy"; readonly name: string }
  /** Dated before, or at or after, this time; milliseconds since the epoch. */
  | { readonly kind: "before"; readonly time: number }
  | { readonly kind: "after"; readonly time: number }
  /** More, or fewer, octets than this. */
  | { readonly kind: "larger"; readonly bytes: number }
  | { readonly kind: "smaller"; readonly bytes: number }
  | { readonly kind: "has-attachment" };
