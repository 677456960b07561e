import { DatabaseSync } from "node:sqlite";
import { assertEquals } from "@std/assert";
import { indexedWords, indexPhrase, indexText, isSearchable, phraseWords } from "../../../src/archive/index_text.ts";

Deno.test("indexText() parts Chinese, Japanese and Korean runs into pairs and leaves the rest", () => {
  const table: readonly (readonly [string, string])[] = [
    ["Plain words, as they are", "Plain words, as they are"],
    ["全文検索", " 全文 文検 検索 索 "],
    ["a全b", "a 全 b".replace(" 全 ", "  全 ")],
    ["東京 2026", " 東京 京  2026"],
    ["한국어 문서", " 한국 국어 어   문서 서 "],
    ["ｆｕｌｌ", "full"],
    ["ﾃｽﾄ", " テス スト ト "],
    ["x@xn--bcher-kva.example", "x@bücher.example"],
    ["𠮷野家", " 𠮷野 野家 家 "],
  ];
  for (const [text, indexed] of table) assertEquals(indexText(text), indexed, text);
});

Deno.test("indexPhrase() makes one FTS5 string of whatever a text is", () => {
  const table: readonly (readonly [string, boolean, string])[] = [
    ["invoice", false, '"invoice"'],
    ["invoic", true, '"invoic"*'],
    ['a "b" OR c*(', false, '"a ""b"" OR c*("'],
    ["検索", false, '" 検索 "'],
    ["全文検索", false, '" 全文 文検 検索 "'],
    ["検", false, '" 検 "*'],
    ["検 word", false, '"  検  word"'],
    ["検索 word", true, '" 検索 索  word"*'],
    ["word 検索", true, '"word  検索 "'],
  ];
  for (const [text, prefix, phrase] of table) assertEquals(indexPhrase(text, prefix), phrase, text);
});

Deno.test("isSearchable() asks for a letter or a digit", () => {
  assertEquals(["a", "7", "検", "-", "", "***", '"', "\u0301"].map(isSearchable), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

Deno.test("indexedWords() gives the words that SQLite's tokenizer finds", () => {
  using database = new DatabaseSync(":memory:");
  database.exec(`
    CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, instance)
  `);
  const texts = [
    "Plain words, as they are: 4711_a-b/c",
    "",
    "Bücher, Ärger & Größe – École İstanbul",
    "Anna <anna@xn--bcher-kva.example>, ANNA@XN--BCHER-KVA.EXAMPLE",
    "全文検索 2026年",
    "한국어 문서",
    "東京がすき",
    "ｆｕｌｌ №5 ½ ①",
    "Привет, Ёж! Ελλάδα",
    "tab\tand\0nul",
  ];
  for (const [row, text] of texts.entries()) {
    database.prepare("INSERT INTO words (rowid, text) VALUES (?, ?)").run(row, indexText(text));
    const found = database.prepare("SELECT term FROM vocabulary WHERE doc = ? ORDER BY offset").all(row);
    assertEquals(indexedWords(text).trim(), found.map(({ term }) => term).join(" "), text);
  }
});

Deno.test("phraseWords() is found in indexedWords() where the phrase is in the text, from the beginning of a word", () => {
  const found = (text: string, prefix: boolean, within: string) =>
    indexedWords(within).includes(phraseWords(indexPhrase(text, prefix)));
  assertEquals(found("the invoice", false, "Pay the INVOICE!"), true);
  assertEquals(found("the invoi", false, "Pay the INVOICE!"), false);
  assertEquals(found("the invoi", true, "Pay the INVOICE!"), true);
  assertEquals(found("he invoice", true, "Pay the INVOICE!"), false);
  assertEquals(found("文検", false, "全文検索"), true);
  assertEquals(found("検", false, "全文検索"), true);
  assertEquals(found("索文", false, "全文検索"), false);
});
