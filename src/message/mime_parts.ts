/** A mail taken apart by mailparser, as a stream: attachments flow past, only the text is kept. */

import { type AttachmentStream, MailParser } from "mailparser";
import { concatBytes } from "../base/bytes.ts";
import { errorText } from "../base/errors.ts";
import { fieldValue, type HeaderText, headerText, NO_HEADER, oneLine } from "./header_text.ts";
import type { AttachmentInfo, ExtractLimits, MailContent } from "./types.ts";

/** What the parser gave. Where it failed in the middle, what it gave before that. */
export interface MimeParts {
  readonly header: HeaderText;
  /** The text/plain parts, and HTML as text where there is no plain alternative. */
  readonly text: string;
  /** The HTML parts. */
  readonly html: string;
  /** True where HTML couldn't be made text. */
  readonly htmlLeft: boolean;
  readonly attachments: readonly AttachmentInfo[];
  /** Octets of the messages within this message, in order. */
  readonly messages: readonly Uint8Array[];
  /** Why the parser gave up; null where it came to the end. */
  readonly failure: string | null;
  /** True where the mail has more octets outside attachments than are looked at. */
  readonly cut: boolean;
  /** The mail's own Content-Type field, in lower case; "" where it has none. */
  readonly contentType: string;
  /** The mail's first octets, `START_BYTES` or all. */
  readonly start: Uint8Array;
  /** True where `start` is all of the mail. */
  readonly startIsAll: boolean;
}

const PIECE_BYTES = 64 * 1024;
/** Lines of 76 characters and CRLF for each 57 octets (RFC 2045 section 6.8). */
const BASE64_EXPANSION = 78 / 57;
/** So much of a mail is kept as it is, for a second look. */
export const START_BYTES = 64 * 1024;
/** Converting this much HTML takes about a tenth of a second, during which nothing else runs. */
export const MAX_HTML_CHARACTERS = 256 * 1024;

/** Takes a mail apart. Rejects only with what the content itself throws. */
export async function parseMime(content: MailContent, limits: ExtractLimits): Promise<MimeParts> {
  const reading = new MimeReading(limits);
  await reading.feed(content);
  return reading.parts();
}

class MimeReading {
  readonly #limits: ExtractLimits;
  readonly #parser: MailParser;
  readonly #ended: Promise<void>;
  readonly #attachments: AttachmentInfo[] = [];
  readonly #messages: Uint8Array[] = [];
  #header = NO_HEADER;
  #contentType = "";
  #text = "";
  #html = "";
  #htmlLeft = false;
  #failure: string | null = null;
  #cut = false;
  /** About how many octets of the mail were attachments, as they stood encoded. */
  #attachmentOctets = 0;
  #messageBytesLeft: number;
  #startLength = 0;
  #length = 0;
  readonly #start = new Uint8Array(START_BYTES);

  constructor(limits: ExtractLimits) {
    this.#limits = limits;
    this.#messageBytesLeft = limits.bodyBytes;
    this.#parser = new MailParser({
      skipTextToHtml: true,
      skipImageLinks: true,
      checksumAlgo: false,
      // Messages within messages are parsed on their own: mailparser never ends where one is cut off in its header.
      ignoreEmbedded: true,
      maxHtmlLengthToParse: MAX_HTML_CHARACTERS,
      maxHeadSize: limits.headerBytes,
      maxChildNodes: limits.parts,
    });
    this.#ended = new Promise((resolve) => {
      this.#parser.once("end", resolve);
      this.#parser.once("error", (error: unknown) => {
        this.#failure = errorText(error);
        resolve();
      });
    });
    this.#parser.on("headers", () => {
      this.#header = headerText(this.#parser);
      this.#contentType = fieldValue("content-type", this.#parser.headerLines).toLowerCase();
    });
    this.#parser.on("data", (part) => {
      if (part.type === "attachment") return this.#readAttachment(part);
      this.#text = part.text ?? "";
      this.#html = part.html ?? "";
      this.#htmlLeft = part.textConversionError !== undefined;
    });
  }

  async feed(content: MailContent): Promise<void> {
    try {
      for await (const piece of pieces(content)) {
        this.#count(piece);
        this.#cut = this.#length - this.#attachmentOctets > this.#limits.bodyBytes;
        if (this.#failure !== null || this.#cut) break;
        if (!this.#parser.write(piece)) await this.#drained();
      }
      this.#parser.end();
      await this.#ended;
    } finally {
      this.#parser.destroy();
    }
  }

  parts(): MimeParts {
    return {
      header: this.#header,
      text: this.#text,
      html: this.#html,
      htmlLeft: this.#htmlLeft,
      attachments: this.#attachments,
      messages: this.#messages,
      failure: this.#failure,
      cut: this.#cut,
      contentType: this.#contentType,
      start: this.#start.subarray(0, this.#startLength),
      startIsAll: this.#startLength === this.#length,
    };
  }

  #count(piece: Uint8Array): void {
    const taken = piece.subarray(0, START_BYTES - this.#startLength);
    this.#start.set(taken, this.#startLength);
    this.#startLength += taken.length;
    this.#length += piece.length;
  }

  async #drained(): Promise<void> {
    const drained = new Promise<void>((resolve) => this.#parser.once("drain", resolve));
    await Promise.race([drained, this.#ended]);
  }

  #readAttachment(attachment: AttachmentStream): void {
    const { content, contentType, filename } = attachment;
    const encoding = String(attachment.headers.get("content-transfer-encoding") ?? "").toLowerCase();
    const expansion = encoding === "base64" ? BASE64_EXPANSION : 1;
    const kept: Uint8Array[] = [];
    let size = 0;
    content.on("data", (chunk: Uint8Array) => {
      size += chunk.length;
      this.#attachmentOctets += chunk.length * expansion;
      if (contentType !== "message/rfc822" || this.#messageBytesLeft <= 0) return;
      kept.push(chunk.subarray(0, this.#messageBytesLeft));
      this.#messageBytesLeft -= chunk.length;
    });
    const done = () => {
      this.#attachments.push({
        name: oneLine(filename ?? ""),
        contentType: oneLine(contentType ?? "").toLowerCase(),
        size,
      });
      if (kept.length > 0) this.#messages.push(concatBytes(kept));
      attachment.release?.();
    };
    content.once("end", done);
    content.once("error", done);
  }
}

/** Pieces that the parser may keep. */
async function* pieces(content: MailContent): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    for (let at = 0; at < content.length; at += PIECE_BYTES) yield content.subarray(at, at + PIECE_BYTES);
  } else {
    for await (const piece of content) yield piece.slice();
  }
}
