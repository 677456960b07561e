/** What an onlooker makes of a POP3 session, who has all that the client said and all that it heard. */

export interface RetrievedMail {
  readonly number: number;
  /** Octets as characters up to U+00FF. */
  readonly content: string;
}

/** Mails that came whole as the answer to RETR. */
export function mailsRetrieved(said: string, heard: string): RetrievedMail[] {
  const mails: RetrievedMail[] = [];
  const lines = said.split("\n").slice(0, -1).map((line) => line.replace(/\r$/, ""));
  let rest = heard.slice(heard.indexOf("\r\n") + 2); // after the greeting
  let inExchange = false;
  for (const line of lines) {
    const end = rest.indexOf("\r\n");
    if (end < 0) return mails;
    const status = rest.slice(0, end);
    rest = rest.slice(end + 2);
    const wasInExchange = inExchange;
    inExchange = status.startsWith("+ ") || status === "+";
    if (wasInExchange || !status.startsWith("+OK") || !hasBlock(line)) continue;
    const block = `\r\n${rest}`;
    const marker = block.indexOf("\r\n.\r\n");
    if (marker < 0) return mails;
    rest = block.slice(marker + 5);
    const [, number] = /^RETR +(\d+) *$/i.exec(line) ?? [];
    const content = block.slice(2, marker + 2).replaceAll(/(^|\r\n)\./g, "$1");
    if (number !== undefined) mails.push({ number: Number(number), content });
  }
  return mails;
}

function hasBlock(line: string): boolean {
  return /^(?:RETR|TOP) /i.test(line) || /^(?:CAPA|LIST|UIDL|AUTH) *$/i.test(line);
}
