/** The mails of an office's day. A mail's token says all of it, so that it needn't be kept to be compared with. */

import { concatBytes, decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { type LoadMail, makeMail, tokenOf } from "../faults/mails.ts";
import { randomSource } from "../unit/net/random.ts";

export type MailSize = "small" | "attachment" | "large" | "oversized";

/** Mails of more octets are refused by the provider. */
export const MAX_MAIL_BYTES = 1_000_000;

const ATTACHMENT_LINES = 600;
const LARGE_LINES = 6000;
const OVERSIZED_LINES = 16_000;

/** Lines of an attachment as base64 has them, 76 characters each. */
const FILLERS: Readonly<Record<MailSize, number>> = {
  small: 0,
  attachment: ATTACHMENT_LINES,
  large: LARGE_LINES,
  oversized: OVERSIZED_LINES,
};

/** The token of the day's next mail; the sizes are as an office's are, most of them small. */
export function drawToken(seed: number, number: number, random: () => number): string {
  const chance = random();
  const size: MailSize = chance < 0.8 ? "small" : chance < 0.97 ? "attachment" : chance < 0.995 ? "large" : "oversized";
  return `s${seed}-${number}-${size}`;
}

/** The token of a mail's octets, as a string of its own: a part of another one would keep all of that in memory. */
export function ownTokenOf(content: Uint8Array): string | null {
  const token = tokenOf(content);
  return token === null ? null : decodeUtf8(encodeUtf8(token));
}

/** The mail of a token, the same each time. */
export function mailOf(token: string): LoadMail {
  const [, seed = "0", number = "0", size = "small"] = /^s(\d+)-(\d+)-(\w+)$/.exec(token) ?? [];
  const random = randomSource(Number(seed) * 100_003 + Number(number));
  const { content } = makeMail(token, random);
  const filled = concatBytes([content, filler(random, isMailSize(size) ? FILLERS[size] : 0)]);
  return { token, content: filled, normalized: filled };
}

function isMailSize(word: string): word is MailSize {
  return Object.hasOwn(FILLERS, word);
}

/** One line of 76 characters after the other, each of them another one. */
function filler(random: () => number, lines: number): Uint8Array<ArrayBuffer> {
  const alphabet = Array.from({ length: 76 }, () => Math.floor(random() * 1e9).toString(36)).join("").slice(0, 152);
  return encodeUtf8(
    Array.from({ length: lines }, (_, line) => {
      const start = (line * 31) % 76;
      return `${line.toString(36).padStart(6, "A")}${alphabet.slice(start, start + 70)}\r\n`;
    }).join(""),
  );
}
