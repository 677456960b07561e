import { encodeUtf8 } from "../../base/bytes.ts";
import { MailteeError } from "../../base/errors.ts";
import type { CaptureAddress } from "../../archive/types.ts";
import { fileRange, FileScanner } from "./file_scanner.ts";
import type { Found } from "./item.ts";
import { crlfLines, unstuffDots } from "./line_transforms.ts";

const MAX_LINE_BYTES = 4096;
const LINE_OF_DOT = encodeUtf8("\n.");

/** True for a line with which a batch of SMTP commands may begin. */
export function isBsmtpLine(line: string): boolean {
  return /^(?:(?:HELO|EHLO|LHLO)\s+\S|MAIL FROM:\s*<|RSET\s*$)/i.test(line);
}

/**
 * The mails of a file of SMTP commands ("batch SMTP", RFC 2442), each with its envelope. Lines may end with LF.
 * Ends with MailteeError "malformed" or "damaged" where the file stops making sense; mails before that were given.
 */
export async function* bsmtpMails(path: string, modified: number): AsyncGenerator<Found, void, undefined> {
  using scanner = new FileScanner(path);
  let addresses: CaptureAddress[] = [];
  let number = 0;
  for (let line = await scanner.line(MAX_LINE_BYTES); line !== null; line = await scanner.line(MAX_LINE_BYTES)) {
    const verb = line.text.trimEnd().toUpperCase();
    const address = /^(MAIL FROM|RCPT TO):\s*<([^>]*)>/i.exec(line.text);
    if (address !== null) {
      const [, command = "", spelled = ""] = address;
      const role = command.toUpperCase() === "MAIL FROM" ? "sender" : "recipient";
      if (role === "sender") addresses = [];
      if (spelled !== "") addresses.push({ role, address: spelled });
    } else if (verb === "DATA") {
      const begin = scanner.offset;
      const end = await endOfData(scanner, path);
      yield {
        kind: "mail",
        format: "bsmtp",
        origin: `${path}, mail ${++number}`,
        received: modified,
        addresses,
        content: () => unstuffDots(crlfLines(fileRange(path, begin, end))),
      };
      addresses = [];
    } else if (verb === "RSET") {
      addresses = [];
    } else if (verb === "QUIT") {
      return;
    } else if (!/^(?:HELO|EHLO|LHLO|NOOP|VERB|XVRB|TICK)\b/.test(verb) && verb !== "") {
      throw new MailteeError("malformed", `${path}: no batch command: ${JSON.stringify(line.text.slice(0, 40))}`);
    }
  }
}

/** The offset behind the mail's last line; moves behind the line of one dot. */
async function endOfData(scanner: FileScanner, path: string): Promise<number> {
  const begin = scanner.offset;
  if (await isDotLine(scanner, 0)) {
    await scanner.line(MAX_LINE_BYTES);
    return begin;
  }
  while (await scanner.find(LINE_OF_DOT)) {
    const end = scanner.offset + 1;
    const found = await isDotLine(scanner, 1);
    scanner.skip(1);
    if (!found) continue;
    await scanner.line(MAX_LINE_BYTES);
    return end;
  }
  throw new MailteeError("damaged", `${path}: it is cut off: a mail has no last line of one dot`);
}

async function isDotLine(scanner: FileScanner, skip: number): Promise<boolean> {
  const next = String.fromCharCode(...(await scanner.peek(skip + 3)).subarray(skip));
  return next === "." || next.startsWith(".\n") || next === ".\r\n";
}
