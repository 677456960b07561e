/** How SMTP is read by a book that knows nothing of the program: for the model of a client's session, and of a target. */

export interface ReadMail {
  readonly from: string;
  /** LMTP: without those whom the end of the mail was refused for. */
  readonly to: readonly string[];
  /** Octets as characters up to U+00FF. */
  readonly content: string;
}

/** The mailbox of a MAIL or RCPT line; null where it has none. */
export function mailboxOf(line: string): string | null {
  const [, , path] = /^(MAIL +FROM|RCPT +TO): *(?:<(?:@[^:>]*:)?)?((?:"(?:[^"\\]|\\.)*"|[^\s>"])*)/i.exec(line) ?? [];
  return path ?? null;
}

/** What follows the reply to DATA: up to the end marker, and what comes after it; null without an end marker. */
export function dataOf(stream: string): { readonly raw: string; readonly rest: string } | null {
  const text = `\r\n${stream}`;
  const end = text.indexOf("\r\n.\r\n");
  return end < 0 ? null : { raw: text.slice(2, end + 2), rest: text.slice(end + 5) };
}

/** The mail in what a sender of DATA sent: dots taken away after CRLF (RFC 5321 section 4.5.2), and nothing else. */
export function unstuffed(raw: string): string {
  return raw.split("\r\n").map((line) => line.startsWith(".") ? line.slice(1) : line).join("\r\n");
}

/** The mail that the program has to make of it: other newlines become CRLF, NUL at the beginning of a line goes. */
export function normalized(raw: string): string {
  return unstuffed(raw).split(/\r\n|\r|\n/).map((line) => line.replace(/^\0+/, "")).join("\r\n");
}
