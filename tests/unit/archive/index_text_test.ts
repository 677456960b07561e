import { assertEquals } from "@std/assert";
import { indexPhrase, indexText, isSearchable } from "../../../src/archive/index_text.ts";

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
