import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { parseQuery } from "../../../src/archive/query_parser.ts";
import type { Catalog, NewCapture, SearchPage } from "../../../src/archive/types.ts";
import { recipient, sample, withArchive } from "./samples.ts";

const NOW = Date.UTC(2026, 10, 24);
const DAY = 24 * 60 * 60 * 1000;
const WORDS = ["offer", "invoice", "draft", "friday", "inventory"] as const;

interface Mail {
  readonly capture: NewCapture;
  readonly words: readonly string[];
  readonly date: number;
}

/** Finds by looking at every mail; the queries of the test below with what they mean. */
const QUERIES: Readonly<Record<string, (mail: Mail) => boolean>> = {
  "": () => true,
  "offer": ({ words }) => words.includes("offer"),
  "inv*": ({ words }) => words.some((word) => word.startsWith("inv")),
  "invoi*": ({ words }) => words.includes("invoice"),
  "offer invoice": ({ words }) => words.includes("offer") && words.includes("invoice"),
  "offer OR draft": ({ words }) => words.includes("offer") || words.includes("draft"),
  '"offer draft"': ({ words }) => words.join(" ").includes("offer draft"),
  "offer -draft": ({ words }) => words.includes("offer") && !words.includes("draft"),
  "-offer": ({ words }) => !words.includes("offer"),
  "-offer -draft user:anna": ({ words, capture }) =>
    !words.includes("offer") && !words.includes("draft") && capture.users.includes("anna"),
  "offer OR user:anna": ({ words, capture }) => words.includes("offer") || capture.users.includes("anna"),
  "offer larger:1000": ({ words, capture }) => words.includes("offer") && capture.mail.size > 1000,
  "offer user:anna": ({ words, capture }) => words.includes("offer") && capture.users.includes("anna"),
  "offer after:2026-08-01": ({ words, date }) => words.includes("offer") && date >= localDay(8),
  "offer after:2026-08-01 before:2026-09-01": ({ words, date }) =>
    words.includes("offer") && date >= localDay(8) && date < localDay(9),
  "before:2026-09-01 (draft OR after:2026-08-01)": ({ words, date }) =>
    date < localDay(9) && (words.includes("draft") || date >= localDay(8)),
  "to:late@company.example": ({ capture }) => capture.users.includes("late"),
};

function localDay(month: number): number {
  return new Date(2026, month - 1, 1).getTime();
}

/** Mails of some months in no order, as an import brings them; the last captured a second time. */
function randomMails(count: number, random: () => number): Mail[] {
  return Array.from({ length: count }, () => {
    const words = Array.from({ length: 1 + Math.floor(random() * 4) }, () => WORDS[Math.floor(random() * 5)] ?? "");
    const date = NOW - Math.floor(random() * 200) * DAY - Math.floor(random() * 50_000) * 1000;
    const late = random() < 0.1;
    const text = words.join(" ");
    const capture = sample({
      ...random() < 0.3 ? { subject: text } : { text },
      date,
      size: Math.floor(random() * 2000),
      users: [...random() < 0.4 ? ["anna"] : [], ...late ? ["late"] : []],
    });
    return { capture, words, date };
  });
}

Deno.test("Catalog.search() finds the same in any number of parts as by looking at every mail", async () => {
  for (const [seed, indexPartMails] of [[1, 7], [2, 30], [3, 2], [4, 1000]] as const) {
    await withArchive(async ({ catalog, path }) => {
      const mails = randomMails(150, seededRandom(seed));
      for (let first = 0; first < mails.length; first += 40) {
        await catalog.addCaptures(mails.slice(first, first + 40).map(({ capture }) => capture));
      }
      await captureAgain(catalog, mails.filter(({ capture }) => capture.users.includes("late")));
      assertEquals(parts(path).length, Math.ceil(mails.length / indexPartMails));
      assertEquals(await catalog.check(), []);
      for (const [written, finds] of Object.entries(QUERIES)) await comparePages(catalog, written, mails.filter(finds));
    }, { indexPartMails });
  }
});

/** Indexes mails anew in whatever part has them. */
async function captureAgain(catalog: Catalog, mails: readonly Mail[]): Promise<void> {
  await catalog.addCaptures(mails.map(({ capture }) => ({
    ...capture,
    capture: { ...capture.capture, id: `${capture.capture.id}-again`, addresses: [recipient("late@company.example")] },
  })));
}

async function comparePages(catalog: Catalog, written: string, expected: readonly Mail[]): Promise<void> {
  const query = parseQuery(written, { now: NOW });
  assertEquals(await catalog.count(query), expected.length, written);
  const byDate = expected.toSorted((a, b) => b.date - a.date).map(({ capture }) => capture.mail.sha256);
  for (const limit of [7, 1000]) {
    const found = await allPages(catalog, written, "date", limit);
    assertEquals(found, byDate, `${written}, ${limit} a page`);
    const ranked = await allPages(catalog, written, "rank", limit);
    assertEquals(ranked.toSorted(), byDate.toSorted(), `${written} by rank, ${limit} a page`);
  }
}

async function allPages(catalog: Catalog, written: string, by: "date" | "rank", limit: number): Promise<string[]> {
  const query = parseQuery(written, { now: NOW });
  const found: string[] = [];
  let after: string | null = null;
  do {
    const page: SearchPage = await catalog.search(query, { limit, by, ranked: 25, ...after === null ? {} : { after } });
    assert(page.mails.length <= limit);
    found.push(...page.mails.map(({ sha256 }) => sha256));
    after = page.next;
  } while (after !== null);
  return found;
}

Deno.test("Catalog.search() ranks alike in any number of parts", async () => {
  const orders: string[][] = [];
  for (const indexPartMails of [3, 11, 1000]) {
    await withArchive(async ({ catalog }) => {
      await catalog.addCaptures(
        Array.from({ length: 40 }, (_, number) =>
          sample({
            mail: `ranked ${number}`,
            date: NOW - number * DAY,
            ...number % 3 === 0 ? { subject: "offer" } : { text: "offer" },
          })),
      );
      orders.push(await allPages(catalog, "offer", "rank", 100));
    }, { indexPartMails });
  }
  assertEquals(orders[1], orders[0]);
  assertEquals(orders[2], orders[0]);
  assertEquals(new Set(orders[0]).size, 40);
});

Deno.test("Catalog.addCaptures() leaves no part of the index where one of them can't be added", async () => {
  await withArchive(async ({ catalog, path }) => {
    await catalog.addCaptures([sample({ text: "offer" }), sample({ text: "offer" })]);
    const before = [parts(path), tables(path)];
    const failing = { ...sample(), users: new Proxy<string[]>([], { get: () => fail() }) };
    await assertRejects(() => catalog.addCaptures([sample(), sample(), sample(), failing]), Error, "broken");
    assertEquals([parts(path), tables(path)], before);
    await catalog.addCaptures([sample({ text: "offer" }), sample({ text: "offer" }), sample({ text: "offer" })]);
    assertEquals(parts(path).map(({ mails }) => mails), [2, 2, 1]);
    assertEquals(await catalog.count(parseQuery("offer", { now: NOW })), 5);
    assertEquals(await catalog.check(), []);
  }, { indexPartMails: 2 });
});

function fail(): never {
  throw new Error("broken");
}

function parts(path: string): { readonly mails: unknown }[] {
  using database = new DatabaseSync(join(path, "catalog.sqlite"), { readOnly: true });
  return database.prepare("SELECT * FROM index_part ORDER BY number").all().map((row) => ({
    ...row,
    mails: row["mails"],
  }));
}

function tables(path: string): unknown[] {
  using database = new DatabaseSync(join(path, "catalog.sqlite"), { readOnly: true });
  return database.prepare("SELECT name FROM sqlite_schema ORDER BY name").all().map(({ name }) => name);
}

/** Numbers between 0 and 1, the same for the same seed (Park and Miller). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
