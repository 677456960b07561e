import type { MailSummary } from "../archive/types.ts";
import { parseQuery } from "../archive/query_parser.ts";
import { MailteeError } from "../base/errors.ts";
import type { Command, Invocation, OptionValues } from "./command.ts";
import { SHOWN_ID_DIGITS, withArchive } from "./configured_archive.ts";
import { counted } from "./counted.ts";
import { ExitCode } from "./exit_code.ts";
import { limitOption } from "./limit_option.ts";
import { localTime } from "./local_time.ts";
import { queryText } from "./query_operands.ts";
import { type Column, formatSize, formatTable } from "./table.ts";

const DEFAULT_LIMIT = 50;
const PAGE_MAILS = 500;

export const QUERY_HELP = `A query is words, all of which a mail must have, and any of these:
  from:ANNA to: subject: body: attachment:   where a word has to be
  user:NAME proxy:NAME                       whose it is, how it came
  after:2026-01-31 before:today after:7d     when it was written
  larger:1M smaller:100K has:attachment
  "a phrase" invoic* -draft OR               a phrase, a beginning, not, one of both`;

export const command: Command = {
  name: "search",
  operands: "QUERY...",
  operandCount: [1, Infinity],
  summary: "Finds mails in the archive, newest first.",
  description: `${QUERY_HELP}

The last column is the mail's ID: 'mailtee show ID' shows it.`,
  options: {
    limit: { value: "N", doc: `show N mails at most; ${DEFAULT_LIMIT} if not given` },
    by: { value: "ORDER", doc: "date (newest first) or rank (best match first, of the newest 2000 found)" },
  },
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { operands, options, terminal, signal, clock } = invocation;
  const query = parseQuery(queryText(operands), { now: clock.now() });
  const by = order(options);
  const limit = limitOption(options) ?? DEFAULT_LIMIT;
  return await withArchive(invocation, "read", async ({ catalog }) => {
    const found: MailSummary[] = [];
    let count = 0;
    let after: string | null = null;
    do {
      signal.throwIfAborted();
      const page = await catalog.search(query, {
        limit: Math.min(PAGE_MAILS, limit - count),
        by,
        ...after === null ? {} : { after },
      });
      count += page.mails.length;
      if (terminal.wantsJson) page.mails.forEach((mail) => terminal.json(mailDocument(mail)));
      else found.push(...page.mails);
      after = page.next;
    } while (after !== null && count < limit);
    if (terminal.wantsJson) return ExitCode.done;
    if (count === 0) terminal.print("No mail found.");
    else terminal.print(mailTable(found, terminal.columns));
    if (after !== null) {
      terminal.note(`${count} of ${counted(await catalog.count(query), "mail")}; --limit shows more.`);
    }
    return ExitCode.done;
  });
}

function order(options: OptionValues): "date" | "rank" {
  const by = options.value("by") ?? "date";
  if (by === "date" || by === "rank") return by;
  throw new MailteeError("usage", `--by is '${by}'.`, { hint: "Use date or rank." });
}

/** A mail as JSON: what searches and `show` have in common. */
export function mailDocument(mail: MailSummary): Record<string, unknown> {
  const { sha256, date, from, to, cc, subject, size, messageId, attachments, users } = mail;
  return { id: sha256, date: new Date(date).toISOString(), from, to, cc, subject, size, messageId, attachments, users };
}

/** Below this width, who a mail went to gives way to its subject. */
const WIDE_COLUMNS = 100;

function mailTable(mails: readonly MailSummary[], columns: number): string {
  const to: Column<MailSummary> = { title: "to", text: (mail) => cut(mail.to, 24) };
  return formatTable(mails, [
    { title: "date", text: ({ date }) => localTime(date) },
    { title: "from", text: ({ from }) => cut(from, columns < WIDE_COLUMNS ? 20 : 28) },
    ...columns < WIDE_COLUMNS ? [] : [to],
    { title: "subject", text: ({ subject }) => subject, shrinks: true },
    { title: "size", text: ({ size }) => formatSize(size), align: "right" },
    { title: "", text: ({ attachments }) => attachments.length > 0 ? "+" : "" },
    { title: "id", text: ({ sha256 }) => sha256.slice(0, SHOWN_ID_DIGITS) },
  ], columns);
}

function cut(text: string, most: number): string {
  const characters = [...text];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text;
}
