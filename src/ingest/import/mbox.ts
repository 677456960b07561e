import { encodeUtf8 } from "../../base/bytes.ts";
import { MailteeError } from "../../base/errors.ts";
import { fileRange, FileScanner } from "./file_scanner.ts";
import type { Found } from "./item.ts";
import { crlfLines, unquoteFromLines } from "./line_transforms.ts";

const FROM = encodeUtf8("From ");
const MAX_FROM_LINE_BYTES = 1000;

/**
 * The mails of an mbox, in the form that they had on the wire: lines end with CRLF, and one `>` of quoted `From ` lines is
 * taken away (mboxrd). A mail begins at a `From ` line with a time and a year in it that follows an empty line, as RFC
 * 4155 has it.
 */
export async function* mboxMails(path: string, modified: number): AsyncGenerator<Found, void, undefined> {
  using scanner = new FileScanner(path);
  let fromLine = await scanner.line(MAX_FROM_LINE_BYTES);
  if (fromLine === null || !fromLine.text.startsWith("From ")) {
    throw new MailteeError("malformed", `${path}: it isn't an mbox: it doesn't begin with a From line`);
  }
  for (let number = 1; fromLine !== null; number++) {
    const { text, ending } = fromLine;
    const begin = scanner.offset;
    const next = await nextMail(scanner);
    const asKept = () => fileRange(path, begin, next.end);
    yield {
      kind: "mail",
      format: "mbox",
      origin: `${path}, mail ${number}`,
      received: timeOf(text) ?? modified,
      addresses: [],
      content: () => unquoteFromLines(ending === "\r\n" ? asKept() : crlfLines(asKept())),
    };
    fromLine = next.fromLine;
  }
}

/** Where the mail ends that begins here, without the empty line after it, and the line with which the next one begins. */
async function nextMail(
  scanner: FileScanner,
): Promise<{ end: number; fromLine: { text: string; ending: "\r\n" | "\n" | "" } | null }> {
  while (await scanner.find(FROM)) {
    const at = scanner.offset;
    const emptyLine = emptyLineLength(scanner.before());
    const fromLine = await scanner.line(MAX_FROM_LINE_BYTES);
    if (fromLine !== null && emptyLine > 0 && isFromLine(fromLine.text)) return { end: at - emptyLine, fromLine };
    // The line may hold another `From ` only where it isn't at a line's beginning, so the whole line is done with.
  }
  return { end: scanner.offset - emptyLineLength(scanner.before()), fromLine: null };
}

/** Octets of the line end that makes an empty line right before this place; 0 where there is none. */
function emptyLineLength(before: Uint8Array): number {
  const text = String.fromCharCode(...before);
  return text.endsWith("\n\r\n") ? 2 : text.endsWith("\n\n") ? 1 : 0;
}

function isFromLine(line: string): boolean {
  return /^From .*\d:\d\d.*\b(?:19|20)\d\d\b/.test(line);
}

/** C's asctime in a From line, taken as UTC; null where there is none. */
function timeOf(fromLine: string): number | null {
  const match = /\b([A-Z][a-z]{2}) +(\d{1,2}) +(\d\d:\d\d(?::\d\d)?)(?: +[+-]\d{4}| +[A-Z]{3,4})? +(\d{4})/.exec(
    fromLine,
  );
  if (match === null) return null;
  const [, month, day, time, year] = match;
  const parsed = Date.parse(`${day} ${month} ${year} ${time} UTC`);
  return Number.isNaN(parsed) ? null : parsed;
}
