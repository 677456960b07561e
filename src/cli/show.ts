import type { Archive, CaptureRecord, MailSummary } from "../archive/types.ts";
import { MailteeError } from "../base/errors.ts";
import { extractMessage } from "../message/extract.ts";
import type { ExtractedMessage } from "../message/types.ts";
import type { Command, Invocation } from "./command.ts";
import { foundId, withArchive } from "./configured_archive.ts";
import { ExitCode } from "./exit_code.ts";
import { harmless } from "./harmless.ts";
import { mailDocument } from "./search.ts";
import { formatSize, oneLine } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export const command: Command = {
  name: "show",
  operands: "ID",
  operandCount: [1, 1],
  summary: "Shows one mail: header, text, attachments.",
  description: `ID is what 'mailtee search' shows, or any unique beginning of it with at least 6
digits. Characters that could drive the terminal are replaced.`,
  options: {
    raw: { doc: "write the mail's exact bytes to stdout" },
    report: { doc: "show how the mail was transmitted, each time it was" },
  },
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { operands: [spelled = ""], options, terminal } = invocation;
  if (options.flag("raw") && options.flag("report")) {
    throw new MailteeError("usage", "--raw and --report exclude each other.");
  }
  return await withArchive(invocation, "read", async (archive) => {
    const sha256 = foundId(spelled, await archive.catalog.resolveId(spelled));
    if (options.flag("raw")) {
      for await (const octets of archive.store.open(sha256)) await terminal.bytes(octets);
    } else if (options.flag("report")) {
      printReports(await archive.catalog.captures(sha256), terminal);
    } else {
      await showMail(sha256, archive, terminal);
    }
    return ExitCode.done;
  });
}

async function showMail(sha256: string, archive: Archive, terminal: Terminal): Promise<void> {
  const mail = await archive.catalog.mail(sha256);
  if (mail === null) throw new MailteeError("not-found", `There is no mail with the ID ${sha256}.`);
  const message = await extractMessage(archive.store.open(sha256));
  if (terminal.wantsJson) {
    const captures = await archive.catalog.captures(sha256);
    terminal.json({ ...mailDocument(mail), attachments: message.attachments, text: message.text, captures });
  } else {
    terminal.print(mailText(mail, message, terminal));
  }
}

function mailText(mail: MailSummary, message: ExtractedMessage, terminal: Terminal): string {
  const fields: readonly (readonly [name: string, value: string])[] = [
    ["Date", new Date(mail.date).toString()],
    ["From", mail.from],
    ["To", mail.to],
    ["Cc", mail.cc],
    ["Subject", mail.subject],
    ["Message-ID", mail.messageId],
    ["Size", formatSize(mail.size)],
    ["Users", mail.users.join(", ")],
    ["ID", mail.sha256],
    ...message.attachments.map((each) =>
      [
        "Attachment",
        `${each.name === "" ? "(no name)" : each.name}  ${each.contentType}, ${formatSize(each.size)}`,
      ] as const
    ),
    ...message.problems.map((problem) => ["Problem", problem] as const),
  ];
  const header = fields.filter(([, value]) => value !== "")
    .map(([name, value]) => `${terminal.style("bold", `${name}:`)} ${oneLine(value)}`);
  return [...header, "", harmless(message.text).trim()].join("\n").trimEnd();
}

function printReports(captures: readonly CaptureRecord[], terminal: Terminal): void {
  if (terminal.wantsJson) captures.forEach((capture) => terminal.json(capture));
  else terminal.print(captures.map((capture) => captureText(capture, terminal)).join("\n\n"));
}

function captureText(capture: CaptureRecord, terminal: Terminal): string {
  const { id, file, proxy, client, started, outcome, addresses, report } = capture;
  const head = `${terminal.style("bold", `Capture ${id}`)}: ${outcome}, ${new Date(started).toISOString()}`;
  const lines = [
    `file: ${file}`,
    `by: ${proxy.name} (${proxy.kind})${client === "" ? "" : `, client ${client}`}`,
    ...addresses.map(({ role, address }) => `${role}: ${address}`),
  ];
  return [head, ...lines.map((line) => `  ${oneLine(line)}`), harmless(JSON.stringify(report, null, 2))].join("\n");
}
