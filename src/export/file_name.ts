import { encodeUtf8 } from "../base/bytes.ts";
import type { OutgoingMail } from "./types.ts";

const ID_DIGITS = 12;
/** File names may have 255 octets, and a temporary name takes some 50. */
const MAX_SUBJECT_BYTES = 120;

/**
 * A name for a mail's file that sorts by time, says what it is about, is safe on every system (no separators, no
 * characters that Windows refuses, no control or direction characters, bounded length) and unique by the mail's id:
 * `20261124T115501Z Invoice 2026-11 0123456789ab.eml`.
 */
export function mailFileName(mail: Pick<OutgoingMail, "sha256" | "date" | "subject">): string {
  const time = mail.date.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return [time, safePart(mail.subject), mail.sha256.slice(0, ID_DIGITS)].filter((part) => part !== "").join(" ") +
    ".eml";
}

function safePart(subject: string): string {
  const safe = subject.normalize("NFC").replaceAll(/[^\p{L}\p{M}\p{N}.,;@()_+=#&'!~-]+/gu, " ").trim();
  let part = "";
  let bytes = 0;
  for (const character of safe) {
    bytes += encodeUtf8(character).length;
    if (bytes > MAX_SUBJECT_BYTES) break;
    part += character;
  }
  return part.trim();
}
