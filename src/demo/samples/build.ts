import { encodeUtf8 } from "../../base/bytes.ts";

/** A mail and the envelope that it goes with. */
export interface Sample {
  /** What is special about it, in a few words. */
  readonly name: string;
  /** Reverse-path; "" is the null reverse-path. */
  readonly mailFrom: string;
  /** ESMTP parameters of MAIL FROM. */
  readonly params: readonly string[];
  readonly recipients: readonly string[];
  /** The mail's octets; lines end in CRLF. */
  readonly content: Uint8Array<ArrayBuffer>;
}

/** A mail from its lines, in UTF-8, each ended by CRLF. */
export function mailOf(...lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return encodeUtf8(lines.map((line) => `${line}\r\n`).join(""));
}
