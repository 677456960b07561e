import { assert, assertEquals } from "@std/assert";
import { parseQuery } from "../../../src/archive/query_parser.ts";
import { mailScore } from "../../../src/archive/rank.ts";

const MAIL = {
  subject: "Angebot für Bücher, zweite Fassung",
  from: "Anna Huber <anna@company.example>",
  to: "Ben <ben@xn--bcher-kva.example>",
  cc: "Carla Huber <carla@other.example>",
  attachments: ["Angebot_2026-17.pdf", "全文検索.pdf"],
};

/** What each query gives that mail. */
const TABLE: Readonly<Record<string, number>> = {
  "angebot": 10,
  "ANGEBOT bucher": 20,
  "angebot huber": 14,
  "huber": 4,
  "carla": 2,
  "pdf": 3,
  "elsewhere": 0,
  "elsewhere angebot": 10,
  "elsewhere OR huber": 4,
  "angebo": 0,
  "angebo*": 10,
  "ngebot*": 0,
  '"für bücher"': 10,
  '"bücher für"': 0,
  '"bücher zwei"*': 10,
  "anna@company.example": 4,
  "to:bücher.example": 2,
  "to:huber": 2,
  "subject:huber": 0,
  "body:angebot": 0,
  "attachment:angebot": 3,
  "文検": 3,
  "検索": 3,
  "索文": 0,
  "angebot -huber": 10,
  "(angebot larger:1M) OR user:anna": 10,
};

Deno.test("mailScore() goes by the best place where each word or phrase stands", () => {
  for (const [query, expected] of Object.entries(TABLE)) {
    const score = mailScore(parseQuery(query, { now: 0 }));
    assert(score !== null, query);
    assertEquals(score(MAIL), expected, query);
  }
});

Deno.test("mailScore() has none for queries without words that are wanted", () => {
  for (const query of ["", "user:anna", "-angebot", "larger:1M OR has:attachment"]) {
    assertEquals(mailScore(parseQuery(query, { now: 0 })), null, query);
  }
});
