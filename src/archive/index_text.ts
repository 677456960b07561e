/**
 * Text as the full-text index takes it, and phrases to look for in it. SQLite's tokenizer finds words between anything
 * that is neither letter nor digit, and knows no words in scripts that don't part them: runs of Chinese, Japanese and
 * Korean characters are therefore given to it as overlapping pairs ("全文検索" is "全文 文検 検索 索"), in the text and in
 * what is looked for.
 */

import { domainToUnicode } from "node:url";

const CJK_RUN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}々ー]+/gu;
/** Domain names of at least one A-label. */
const A_LABELS = /(?<![\p{L}\p{N}.-])(?:[\p{L}\p{N}-]+\.)*xn--[a-z0-9-]+(?:\.[\p{L}\p{N}-]+)*/giu;
const WORD_CHARACTER = /[\p{L}\p{N}\p{Co}]/u;

/** What the index is given of a text. */
export function indexText(text: string): string {
  return normalize(text).replaceAll(CJK_RUN, (run) => ` ${pairs(run).join(" ")} ${run.at(-1) ?? ""} `);
}

/** True where the index can find a text at all: it has a letter or a digit. */
export function isSearchable(text: string): boolean {
  return WORD_CHARACTER.test(text);
}

/**
 * The FTS5 phrase that finds a text; with `prefix`, its last word may go on. Whatever the text is, the phrase is a single
 * string of FTS5, so nothing in it is an operator.
 */
export function indexPhrase(text: string, prefix: boolean): string {
  const normal = normalize(text);
  let open = prefix;
  const phrase = normal.replaceAll(CJK_RUN, (run: string, at: number) => {
    if (WORD_CHARACTER.test(normal.slice(at + run.length))) return ` ${pairs(run).join(" ")} ${run.at(-1) ?? ""} `;
    // The run may go on in the text: a pair ends it, or a character that begins a pair there.
    const tokens = pairs(run);
    open = tokens.length === 0;
    return ` ${tokens.length === 0 ? run : tokens.join(" ")} `;
  });
  return `"${phrase.replaceAll('"', '""')}"${open ? "*" : ""}`;
}

/** Compatibility forms in one spelling, domains as people write them, and nothing that SQLite can't take. */
function normalize(text: string): string {
  const normal = text.toWellFormed().replaceAll(/\p{Cc}/gu, " ").normalize("NFKC");
  // Few texts have one, and looking for whole domains takes a third of the time.
  return /xn--/i.test(normal) ? normal.replaceAll(A_LABELS, (domain) => domainToUnicode(domain) || domain) : normal;
}

/** Each character of a run with the one after it. */
function pairs(run: string): string[] {
  const characters = [...run];
  return characters.slice(0, -1).map((character, index) => character + characters[index + 1]);
}

/** The words that the index has of a text, folded as the tokenizer folds them, with a space around each. */
export function indexedWords(text: string): string {
  const lower = text.toLowerCase();
  // Most header fields are ASCII, which takes half the time.
  return /^\p{ASCII}*$/u.test(lower) && !lower.includes("xn--")
    ? ` ${lower.replaceAll(/[^a-z0-9]+/g, " ").trim()} `
    : foldedWords(indexText(text));
}

/** The words of a phrase that `indexPhrase` made, in the form of `indexedWords`. */
export function phraseWords(phrase: string): string {
  const words = foldedWords(phrase);
  return phrase.endsWith("*") ? words.trimEnd() : words;
}

/** SQLite takes accents from Latin letters alone. */
function foldedWords(indexed: string): string {
  const folded = indexed.normalize("NFD").replaceAll(/(?<=\p{Script=Latin})[\u0300-\u036f]+/gu, "").normalize("NFC")
    .toLowerCase();
  return ` ${folded.replaceAll(/[^\p{L}\p{N}\p{Co}]+/gu, " ").trim()} `;
}
