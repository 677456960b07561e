import { resolve } from "@std/path";
import { importMails, type ImportResult } from "../ingest/import/import_mails.ts";
import { countsText } from "../ingest/result_text.ts";
import type { Command, Invocation } from "./command.ts";
import { withArchive } from "./configured_archive.ts";
import type { ExitCode } from "./exit_code.ts";
import { exitCodeOfResult, printNotArchived } from "./result_protocol.ts";
import { formatSize, oneLine } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export const command: Command = {
  name: "import",
  operands: "PATH... --user NAME",
  operandCount: [1, Infinity],
  summary: "Takes mails from .eml files, Maildirs, mboxes, journal reports and BSMTP files into the archive.",
  description: `PATH is a file or a folder; what a file holds is told by its beginning. Mails with an
envelope (captures, journal reports, BSMTP) belong to the users that it names, too;
for them alone, --user may be left out. A mail that its users have already is passed
over. Nothing is changed or deleted.`,
  options: { user: { value: "NAME", doc: "the user of the archive whose mails these are" } },
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { operands, options, terminal, clock, signal } = invocation;
  return await withArchive(invocation, "write", async (archive, config) => {
    const bar = terminal.progress("import");
    try {
      const result = await importMails({
        paths: operands.map((path) => resolve(path)),
        user: options.value("user") ?? null,
        archive,
        users: config.archive.users,
        clock,
        signal,
        progress: (done, origin) => bar.update(done, origin),
      });
      bar.end();
      if (terminal.wantsJson) terminal.json(result);
      else print(result, terminal);
      return exitCodeOfResult(result);
    } finally {
      bar.end();
    }
  });
}

function print(result: ImportResult, terminal: Terminal): void {
  const { user, bytes, interruption, notArchived } = result;
  const head = terminal.style("bold", user === null ? "Import" : `Import for ${oneLine(user)}`);
  terminal.print(`${head}: ${countsText(result)}; ${formatSize(bytes)}.`);
  if (interruption !== null) {
    terminal.print(terminal.style("yellow", `The import was interrupted: ${oneLine(interruption)}`));
  }
  printNotArchived(notArchived, terminal);
}
