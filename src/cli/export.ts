import { extname, resolve } from "@std/path";
import { parseQuery } from "../archive/query_parser.ts";
import { MailteeError } from "../base/errors.ts";
import { type ExportFormat, exportMails, type ExportResult } from "../export/export_mails.ts";
import type { Command, Invocation, OptionValues } from "./command.ts";
import { SHOWN_ID_DIGITS, withArchive } from "./configured_archive.ts";
import { counted } from "./counted.ts";
import { ExitCode } from "./exit_code.ts";
import { queryText } from "./query_operands.ts";
import { QUERY_HELP } from "./search.ts";
import { formatSize, oneLine } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export const command: Command = {
  name: "export",
  operands: "QUERY... --to PATH",
  operandCount: [1, Infinity],
  summary: "Writes the mails that a query finds as eml files, an mbox or a zip.",
  description: `eml: a folder with a file for each mail. zip: the same files in one archive. Both hold
the exact bytes. mbox: one file, with LF for line ends and '>' before 'From ' lines.

${QUERY_HELP}`,
  options: {
    to: { value: "PATH", doc: "the folder or file to write" },
    format: { value: "FORMAT", doc: "eml, mbox or zip; else by PATH's ending (.mbox, .zip), else eml" },
    force: { short: "f", doc: "replace what is there" },
  },
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { operands, options, terminal, signal, clock } = invocation;
  const to = options.value("to");
  if (to === undefined) throw new MailteeError("usage", "Where to?", { hint: "Give --to PATH." });
  const format = exportFormat(options, to);
  const query = parseQuery(queryText(operands), { now: clock.now() });
  return await withArchive(invocation, "read", async (archive) => {
    const bar = terminal.progress("export", await archive.catalog.count(query));
    try {
      const progress = (done: number) => bar.update(done);
      const force = options.flag("force");
      const result = await exportMails({ archive, query, format, to: resolve(to), force, signal, progress });
      bar.end();
      print(result, terminal);
      return result.lost.length > 0 ? ExitCode.damage : ExitCode.done;
    } finally {
      bar.end();
    }
  });
}

function exportFormat(options: OptionValues, to: string): ExportFormat {
  const format = options.value("format") ?? formatOfPath(to);
  if (format === "eml" || format === "mbox" || format === "zip") return format;
  throw new MailteeError("usage", `--format is '${format}'.`, { hint: "Use eml, mbox or zip." });
}

function formatOfPath(path: string): ExportFormat {
  const ending = extname(path).toLowerCase();
  return ending === ".mbox" ? "mbox" : ending === ".zip" ? "zip" : "eml";
}

function print({ format, to, mails, bytes, lost }: ExportResult, terminal: Terminal): void {
  const notExported = lost.map(({ sha256, error }) => ({ id: sha256, code: error.code, reason: error.message }));
  if (terminal.wantsJson) return terminal.json({ format, to, mails, bytes, notExported });
  terminal.print(`${counted(mails, "mail")} (${formatSize(bytes)}) written to ${to}.`);
  for (const { id, code, reason } of notExported) {
    terminal.print(
      `  ${id.slice(0, SHOWN_ID_DIGITS)} not exported, ${terminal.style("red", code)}: ${oneLine(reason)}`,
    );
  }
}
