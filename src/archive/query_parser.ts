/**
 * The query language of searches. Terms beside each other are all wanted, `OR` between two asks for one of them, `-` before
 * one for its absence, and parentheses group:
 *
 *     from:anna invoic* -draft (after:2026-01-31 OR larger:1M) "a phrase" has:attachment
 */

import { MailteeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Query } from "./query.ts";
import { QUERY_KEYS, type QueryMistake, textTerm, type Written } from "./query_keys.ts";

export interface QueryOptions {
  /** The present, which `today` and `7d` are relative to; milliseconds since the epoch. */
  readonly now: number;
}

const MAX_QUERY_CHARACTERS = 10_000;
const MAX_TERMS = 200;
const MAX_DEPTH = 20;

/**
 * Makes a query of text; of text without terms, one that finds every mail. Dates are those of the machine's time zone.
 * Throws MailteeError "usage", which names the character where the mistake is and the nearest known key.
 */
export function parseQuery(text: string, options: QueryOptions): Query {
  if (text.length > MAX_QUERY_CHARACTERS) {
    throw new MailteeError("usage", `A query has at most ${MAX_QUERY_CHARACTERS} characters.`);
  }
  return new QueryParser(text, options.now).parse();
}

class QueryParser {
  readonly #text: string;
  readonly #now: number;
  #at = 0;
  #terms = 0;
  #depth = 0;

  constructor(text: string, now: number) {
    this.#text = text;
    this.#now = now;
  }

  parse(): Query {
    const query = this.#all();
    if (this.#at < this.#text.length) throw this.#mistake("this ) has no ( before it", this.#at);
    return query;
  }

  /** Terms up to the end, or to the parenthesis that closes the group. */
  #all(): Query {
    const terms: Query[] = [];
    let either = false;
    for (let start = this.#skipSpace(); !this.#atEnd(); start = this.#skipSpace()) {
      if (this.#takeOr()) {
        if (terms.length === 0 || either) throw this.#mistake("OR stands between two terms", start);
        either = true;
        continue;
      }
      const term = this.#term();
      const before = either ? terms.pop() : undefined;
      terms.push(before === undefined ? term : oneOf(before, term));
      either = false;
    }
    if (either) throw this.#mistake("OR stands between two terms", this.#at);
    const [only, ...more] = terms;
    return only !== undefined && more.length === 0 ? only : { kind: "and", of: terms };
  }

  #atEnd(): boolean {
    return this.#at >= this.#text.length || this.#text[this.#at] === ")";
  }

  #skipSpace(): number {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
    return this.#at;
  }

  #takeOr(): boolean {
    const found = /^OR(?=[\s()]|$)/.test(this.#text.slice(this.#at, this.#at + 3));
    if (found) this.#at += 2;
    return found;
  }

  #term(): Query {
    if (++this.#terms > MAX_TERMS) throw this.#mistake(`a query has at most ${MAX_TERMS} terms`, this.#at);
    if (!/^-\S/.test(this.#text.slice(this.#at, this.#at + 2))) return this.#plainTerm();
    this.#at++;
    return { kind: "not", of: this.#plainTerm() };
  }

  #plainTerm(): Query {
    const start = this.#at;
    if (this.#text[start] === "(") return this.#group(start);
    const [written, key] = /^([\p{L}-]+):(?!\/\/)/u.exec(this.#text.slice(start)) ?? [];
    if (written === undefined || key === undefined) return this.#checked(textTerm("any", this.#written()), start);
    this.#at += written.length;
    return this.#keyTerm(key, start);
  }

  #group(start: number): Query {
    if (++this.#depth > MAX_DEPTH) throw this.#mistake(`groups nest at most ${MAX_DEPTH} deep`, start);
    this.#at++;
    const query = this.#all();
    if (this.#text[this.#at] !== ")") throw this.#mistake("this ( isn't closed", start);
    this.#at++;
    this.#depth--;
    return query;
  }

  #keyTerm(key: string, start: number): Query {
    const make = QUERY_KEYS.get(key.toLowerCase());
    if (make === undefined) {
      const keys = [...QUERY_KEYS.keys()];
      const meant = nearest(key, keys);
      throw this.#mistake(
        `there is no ${key}:${meant === undefined ? "" : `; did you mean ${meant}:?`}`,
        start,
        `Keys are ${keys.map((known) => `${known}:`).join(" ")}; put text that has a colon in quotes.`,
      );
    }
    const valueAt = this.#at;
    const value = this.#written();
    if (value.text === "") throw this.#mistake(`${key}: needs a value right after the colon`, valueAt);
    return this.#checked(make(value, this.#now), valueAt);
  }

  #checked(term: Query | QueryMistake, at: number): Query {
    if (term.kind === "mistake") throw this.#mistake(term.reason, at);
    return term;
  }

  /** A quoted phrase, or all up to a space or the end of the group. */
  #written(): Written {
    const start = this.#at;
    if (this.#text[start] === '"') {
      const end = this.#text.indexOf('"', start + 1);
      if (end < 0) throw this.#mistake("this \" isn't closed", start);
      const prefix = this.#text[end + 1] === "*";
      this.#at = end + (prefix ? 2 : 1);
      return { text: this.#text.slice(start + 1, end), prefix };
    }
    const end = this.#depth > 0 ? /[\s)]|$/ : /\s|$/;
    const word = this.#text.slice(start, start + this.#text.slice(start).search(end));
    this.#at = start + word.length;
    const prefix = word.endsWith("*");
    return { text: prefix ? word.slice(0, -1) : word, prefix };
  }

  #mistake(what: string, at: number, hint?: string): MailteeError {
    return new MailteeError("usage", `The query is wrong at character ${at + 1}: ${what}.`, {
      hint: hint ?? "See `mailtee search --help` for what a query may have.",
    });
  }
}

/** OR takes the two terms beside it; more of them make one list. */
function oneOf(before: Query, term: Query): Query {
  return { kind: "or", of: before.kind === "or" ? [...before.of, term] : [before, term] };
}
