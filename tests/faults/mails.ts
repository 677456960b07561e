/** The mails of a load. Each has a token that occurs nowhere else, by which all sides' books are compared. */

import { concatBytes, decodeLatin1, encodeUtf8 } from "../../src/base/bytes.ts";

export interface LoadMail {
  /** `t12-3`. */
  readonly token: string;
  /** As the client sends it. */
  readonly content: Uint8Array<ArrayBuffer>;
  /** As everybody else has to have it: line ends that aren't CRLF became CRLF. */
  readonly normalized: Uint8Array<ArrayBuffer>;
}

const SMALL_LINES = 4;
const LARGE_LINES = 3000;

/** What else sets a mail apart. */
export interface MailTraits {
  readonly large?: boolean;
  /** All mails with this trait have one Message-ID. */
  readonly sharedMessageId?: boolean;
  /** A line of one dot between bare line feeds: the end of nothing. */
  readonly bareDot?: boolean;
}

/** A mail with lines that begin with dots and octets outside ASCII. */
export function makeMail(token: string, random: () => number, traits: MailTraits = {}): LoadMail {
  const header = [
    "From: Anna <anna@company.example>",
    "To: bert@other.example",
    `Subject: ${token}`,
    `Message-ID: <${traits.sharedMessageId === true ? "the-same" : token}@company.example>`,
  ];
  const lines = Array.from({ length: traits.large === true ? LARGE_LINES : SMALL_LINES }, (_, number) => {
    const start = ["", ".", "..", "From "][Math.floor(random() * 4)] ?? "";
    return `${start}${number} ${"grüße ".repeat(1 + Math.floor(random() * 10))}`;
  });
  const content = [encodeUtf8([...header, "", ...lines, ""].join("\r\n"))];
  if (traits.bareDot === true) content.push(encodeUtf8("before\n.\nMAIL FROM:<smuggler@other.example>\r\n"));
  const sent = concatBytes(content);
  return { token, content: sent, normalized: traits.bareDot === true ? withCrlf(sent) : sent };
}

const CR = 13;
const LF = 10;

function withCrlf(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    [...octets].flatMap((octet, at) => octet === LF && octets[at - 1] !== CR ? [CR, LF] : [octet]),
  );
}

/** The token of a mail's octets; null where it has none. */
export function tokenOf(content: Uint8Array): string | null {
  return /^Subject: (\S+)\r?$/m.exec(decodeLatin1(content.subarray(0, 1000)))?.[1] ?? null;
}
