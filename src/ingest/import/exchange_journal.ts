import { Buffer } from "node:buffer";
import { simpleParser } from "mailparser";
import type { CaptureAddress } from "../../archive/types.ts";
import { MailteeError } from "../../base/errors.ts";
import type { ImportItem } from "./item.ts";

/** Exchange itself doesn't send larger mails. */
const MAX_REPORT_BYTES = 200 * 1024 * 1024;

/** True where a mail's header is that of a journal report. */
export function isJournalHeader(header: string): boolean {
  return /^(?:X-MS-Journal-Report|X-MS-Exchange-Organization-Journal-Report):/im.test(header);
}

/**
 * The mail in a journal report of Exchange or Microsoft 365 ([MS-XJRNL]): part 1 names the envelope, the attached mail is
 * given octet for octet. Rejects with MailteeError "malformed" where no mail is attached, "limit" where it's too large.
 */
export async function journalMail(path: string, modified: number): Promise<ImportItem> {
  const { size } = await Deno.stat(path);
  if (size > MAX_REPORT_BYTES) {
    throw new MailteeError("limit", `${path}: a journal report of ${size} bytes is more than ${MAX_REPORT_BYTES}`);
  }
  const report = await simpleParser(Buffer.from(await Deno.readFile(path)), {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
  });
  const mail = report.attachments.find(({ contentType }) => contentType === "message/rfc822");
  if (mail === undefined) {
    throw new MailteeError("malformed", `${path}: a journal report without an attached mail`, {
      hint: "Exchange attaches mails of its own form (winmail.dat) unless remote domains are set to MIME.",
    });
  }
  return {
    kind: "mail",
    format: "journal",
    origin: path,
    received: report.date?.getTime() ?? modified,
    addresses: journalAddresses(report.text ?? ""),
    content: new Uint8Array(mail.content),
  };
}

/** The envelope in part 1: `Sender: a`, and a line for each recipient, `Bcc: b, Expanded: list@c`. */
export function journalAddresses(text: string): CaptureAddress[] {
  const found = new Map<string, CaptureAddress>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^(Sender|On-Behalf-Of|To|Cc|Bcc|Recipient):\s*(?:<([^>]*)>|([^\s,]+))/i.exec(line);
    const address = match?.[2] ?? match?.[3] ?? "";
    if (!address.includes("@")) continue;
    const role = /^(?:Sender|On-Behalf-Of)$/i.test(match?.[1] ?? "") ? "sender" : "recipient";
    found.set(`${role} ${address}`, { role, address });
  }
  return [...found.values()];
}
