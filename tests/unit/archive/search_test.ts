import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Archive, MailSummary, NewCapture, SearchOptions } from "../../../src/archive/types.ts";
import type { Query } from "../../../src/archive/query.ts";
import { parseQuery } from "../../../src/archive/query_parser.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { pop3User, recipient, sample, sender, withArchive } from "./samples.ts";

const NOW = new Date(2026, 10, 24, 12).getTime();
const at = (month: number, day: number) => new Date(2026, month - 1, day, 9).getTime();
const pdf = (name: string) => [{ name, contentType: "application/pdf", size: 9 }];

/** The mails that the table below searches, each named by its Message-ID. */
const MAILS: readonly NewCapture[] = [
  sample({
    messageId: "offer",
    subject: "Angebot für Bücher",
    from: "Anna Huber <anna@company.example>",
    to: "ben@other.example",
    text: "Sehr geehrte Damen und Herren, das Angebot gilt bis Freitag.",
    date: at(3, 1),
    attachments: pdf("Angebot_2026-17.pdf"),
    addresses: [sender("anna@company.example"), recipient("ben@other.example"), recipient("secret@other.example")],
    users: ["anna"],
  }),
  sample({
    messageId: "invoice",
    subject: "Invoice 4711",
    from: "billing@other.example",
    to: "info@company.example",
    cc: "Carla <carla@company.example>",
    text: "Please pay the invoice. The offer was accepted on Friday.",
    date: at(4, 1),
    size: 5_000_000,
    attachments: pdf("invoice.pdf"),
    addresses: [sender("billing@other.example"), recipient("info@company.example")],
    users: ["anna", "Ben Müller"],
    proxy: { name: "POP3 Proxy Server", kind: "pop3" },
  }),
  sample({
    messageId: "draft",
    subject: "Draft of the invoice",
    from: "ben@company.example",
    to: "anna@company.example",
    text: "Invoices are to be paid at once.",
    date: at(5, 1),
    users: ["Ben Müller"],
  }),
  sample({
    messageId: "japanese",
    subject: "全文検索のテスト",
    from: "tanaka@xn--bcher-kva.example",
    to: "anna@company.example",
    text: "東京都に住んでいます。Deno 2 で書きました。",
    date: at(6, 1),
    addresses: [pop3User("m12345-1")],
    users: [],
  }),
];

const TABLE: Readonly<Record<string, string>> = {
  "": "japanese draft invoice offer",
  "invoice": "draft invoice",
  "INVOICE": "draft invoice",
  "invoic*": "draft invoice",
  "invoices": "draft",
  "invoice -draft": "invoice",
  "-invoice": "japanese offer",
  "-invoice -japanese": "japanese offer",
  "angebot": "offer",
  "bucher": "japanese offer",
  "Bücher": "japanese offer",
  "subject:bücher": "offer",
  "invoice OR angebot": "draft invoice offer",
  "friday OR freitag": "invoice offer",
  "(friday OR freitag) from:anna": "offer",
  '"the invoice"': "draft invoice",
  '"pay the invoice"': "invoice",
  '"invoice the pay"': "",
  "from:anna": "offer",
  "from:anna@company.example": "offer",
  "to:anna": "japanese draft",
  "to:carla": "invoice",
  "to:secret@other.example": "offer",
  "to:m12345-1": "japanese",
  "from:@company.example": "draft offer",
  "from:tanaka@bücher.example": "japanese",
  "from:tanaka@xn--bcher-kva.example": "japanese",
  "subject:invoice body:offer": "invoice",
  "body:japanese": "",
  "attachment:pdf": "invoice offer",
  "attachment:angebot": "offer",
  "attachment:2026-17": "offer",
  "has:attachment": "invoice offer",
  "-has:attachment": "japanese draft",
  "has:attachment -user:anna": "",
  "user:anna": "invoice offer",
  "user:ANNA": "invoice offer",
  'user:"ben müller"': "draft invoice",
  "user:ann": "",
  "user:anna invoice": "invoice",
  "-user:anna": "japanese draft",
  "user:anna OR japanese": "invoice offer",
  "user:anna OR subject:draft": "draft invoice offer",
  'proxy:"pop3 proxy server"': "invoice",
  'proxy:"SMTP Proxy 1" has:attachment': "offer",
  "proxy:none": "",
  "larger:1M": "invoice",
  "smaller:1M has:attachment": "offer",
  "larger:5M": "",
  "after:2026-05-01": "japanese draft",
  "before:2026-04-01": "offer",
  "after:2026-04-01 before:2026-05-01": "invoice",
  "after:2026-04 before:2026-06 invoice": "draft invoice",
  "-after:2026-05": "invoice offer",
  "after:today": "",
  "検索": "japanese",
  "全文検索": "japanese",
  "検": "japanese",
  "索": "japanese",
  "東京": "japanese",
  "京都": "japanese",
  "大阪": "",
  "subject:検索 body:東京": "japanese",
  '"検索のテスト"': "japanese",
  "ﾃｽﾄ": "japanese",
  "deno": "japanese",
  "(a OR b) OR (c d)": "",
  "(invoice -draft) OR angebot": "invoice offer",
  "(has:attachment larger:1M) OR 東京": "japanese invoice",
  "-(has:attachment OR 東京)": "draft",
};

Deno.test("Catalog.search() finds what a query asks for, newest first, and Catalog.count() counts it", async (t) => {
  await withArchive(async ({ catalog }) => {
    await catalog.addCaptures(MAILS);
    for (const [query, expected] of Object.entries(TABLE)) {
      await t.step(JSON.stringify(query), async () => {
        const parsed = parseQuery(query, { now: NOW });
        assertEquals((await catalog.search(parsed)).mails.map(({ messageId }) => messageId).join(" "), expected);
        assertEquals(await catalog.count(parsed), expected === "" ? 0 : expected.split(" ").length);
      });
    }
  });
});

Deno.test("Catalog.search() ranks a word in the subject before one in the body", async () => {
  await withArchive(async ({ catalog }) => {
    const filler = Array.from({ length: 20 }, () => sample({ text: "something else" }));
    await catalog.addCaptures([
      ...filler,
      sample({ messageId: "subject", subject: "offer", date: at(1, 1) }),
      sample({ messageId: "body", text: "an offer", date: at(2, 1) }),
    ]);
    const found = async (options: SearchOptions) =>
      (await catalog.search(parseQuery("offer", { now: NOW }), options)).mails.map(({ messageId }) => messageId);
    assertEquals(await found({ by: "date" }), ["body", "subject"]);
    assertEquals(await found({ by: "rank" }), ["subject", "body"]);
  });
});

Deno.test("Catalog.search() ranks the newest mails, and gives older ones by date after them", async () => {
  await withArchive(async ({ catalog }) => {
    await catalog.addCaptures([
      sample({ messageId: "5", text: "offer", date: at(5, 1) }),
      sample({ messageId: "4", subject: "offer", date: at(4, 1) }),
      sample({ messageId: "3", text: "offer", date: at(3, 1) }),
      sample({ messageId: "2", subject: "offer", date: at(2, 1) }),
      sample({ messageId: "1", text: "offer", date: at(1, 1) }),
    ]);
    const query = parseQuery("offer", { now: NOW });
    for (const [ranked, order] of [[1, "54321"], [2, "45321"], [3, "45321"], [4, "42531"], [5, "42531"]] as const) {
      for (const limit of [1, 2, 10]) {
        const found = await allPages(catalog, query, { by: "rank", ranked, limit });
        assertEquals(found.map(({ messageId }) => messageId).join(""), order, `${ranked} ranked, ${limit} a page`);
      }
    }
  });
});

Deno.test("Catalog.search() gives pages that together are all, also of mails of the same second", async () => {
  await withArchive(async ({ catalog }) => {
    const captures = Array.from({ length: 25 }, () => sample({ text: "word", date: at(1, 1), users: ["anna"] }));
    await catalog.addCaptures(captures);
    for (const query of ["", "word", "user:anna", "user:anna word"]) {
      for (const by of ["date", "rank"] as const) {
        assertEquals(await pages(catalog, query, by), captures.map(({ mail }) => mail.sha256).sort(), `${query} ${by}`);
      }
    }
  });
});

async function pages(catalog: Archive["catalog"], query: string, by: "date" | "rank"): Promise<string[]> {
  const found = await allPages(catalog, parseQuery(query, { now: NOW }), { limit: 10, by });
  return found.map(({ sha256 }) => sha256).sort();
}

async function allPages(catalog: Archive["catalog"], query: Query, options: SearchOptions): Promise<MailSummary[]> {
  const found: MailSummary[] = [];
  let after: string | null = null;
  do {
    const page = await catalog.search(query, { ...options, ...after === null ? {} : { after } });
    assertGreater((options.limit ?? 0) + 1, page.mails.length);
    found.push(...page.mails);
    after = page.next;
  } while (after !== null);
  return found;
}

Deno.test("Catalog.search() finds a mail by the addresses of a later capture too", async () => {
  await withArchive(async ({ catalog }) => {
    const query = parseQuery("to:later@company.example text", { now: NOW });
    await catalog.addCaptures([sample({ mail: "m", text: "text", addresses: [recipient("first@company.example")] })]);
    assertEquals(await catalog.count(query), 0);
    await catalog.addCaptures([sample({ mail: "m", text: "text", addresses: [recipient("later@company.example")] })]);
    assertEquals(await catalog.count(query), 1);
    assertEquals(await catalog.count(parseQuery("to:first@company.example", { now: NOW })), 1);
    assertEquals(await catalog.check(), []);
  });
});

Deno.test("Catalog.search() takes whatever a person types as text", async () => {
  await withArchive(async ({ catalog }) => {
    await catalog.addCaptures(MAILS);
    const parts = [
      '"',
      "'",
      "(",
      ")",
      "-",
      "*",
      ":",
      " ",
      " OR ",
      " AND ",
      " NOT ",
      " NEAR(",
      "from:",
      "user:",
      "body:",
    ];
    const words = ["a", "ü", "検", "\0", "\\", "%", "{subject}", "^", "+", ";", "--", "invoice", "$1", "?", "\uD800"];
    let seed = 7;
    const next = (most: number) => (seed = (seed * 48271) % 2147483647) % most;
    let searched = 0;
    for (let round = 0; round < 3000; round++) {
      const from = round % 2 === 0 ? [...parts, ...words] : words;
      const text = Array.from({ length: next(10) }, () => from[next(from.length)]).join("");
      const query = parsed(text);
      if (query === null) continue;
      const { mails } = await catalog.search(query, { by: round % 3 === 0 ? "rank" : "date" });
      assertGreater(5, mails.length);
      searched++;
    }
    assertGreater(searched, 500);
    assertEquals((await catalog.totals()).mails, MAILS.length);
  });
});

function parsed(text: string): ReturnType<typeof parseQuery> | null {
  try {
    return parseQuery(text, { now: NOW });
  } catch (error) {
    assert(error instanceof MailteeError, text);
    return null;
  }
}
