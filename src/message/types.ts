/** The words of `message`: what is taken out of a mail for people and for the search index. */

export interface AttachmentInfo {
  /** The file name, decoded; "" where the part has none. */
  readonly name: string;
  /** Lower case, without parameters: "application/pdf". */
  readonly contentType: string;
  /** Octets after decoding. */
  readonly size: number;
}

/** What a mail says, as text without control characters; "" where it doesn't say it. */
export interface ExtractedMessage {
  readonly subject: string;
  /** Addresses as people read them, separated by ", ": `Anna Huber <anna@company.example>, info@company.example`. */
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  /** The Date field, in milliseconds since the epoch; null where there is none that can be read. */
  readonly date: number | null;
  /** With its angle brackets. */
  readonly messageId: string;
  /** The body as plain text, from text/plain or HTML, cut at `ExtractLimits.textBytes`. */
  readonly text: string;
  readonly attachments: readonly AttachmentInfo[];
  /** What couldn't be understood or was over a limit, one sentence each; empty for a sound mail. */
  readonly problems: readonly string[];
}

/** A mail's octets, whole or piece by piece. Pieces may be reused by the giver once the next one is asked for. */
export type MailContent = Uint8Array | AsyncIterable<Uint8Array>;

export interface ExtractLimits {
  /** Octets of one MIME part's header; the parser takes seconds for a megabyte of addresses. @default 256 KiB */
  readonly headerBytes: number;
  /** Octets outside attachments; what comes after them isn't looked at. Attachments only flow past. @default 16 MiB */
  readonly bodyBytes: number;
  /** Octets of UTF-8 that the body text may have. @default 1 MiB */
  readonly textBytes: number;
  /** MIME parts of one message. @default 1000 */
  readonly parts: number;
  /** Messages within messages whose text is taken too. @default 5 */
  readonly depth: number;
}
