/**
 * Mails with the statistics of real ones, the same in every run: words by Zipf's law from a vocabulary that goes on
 * growing, answers to earlier mails, HTML beside text, and attachments that can't be compressed.
 */

import { Buffer } from "node:buffer";
import { encodeUtf8 } from "../src/base/bytes.ts";

/** Ranks reach this far; a mail's words are drawn log-uniformly from them, which is Zipf's law with exponent 1. */
const VOCABULARY = 1_000_000;
const SYLLABLES = "a be ci do fu ga he in jo ku la me ni or pa qui re si to un va we xi yo za es ter ung ion ate"
  .split(" ");
const PEOPLE = 2000;
const FIRST_DATE = Date.UTC(2016, 0, 4);
const MS_PER_MAIL = 16 * 60 * 1000;

export interface GeneratedMail {
  readonly octets: Uint8Array<ArrayBuffer>;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly date: number;
  readonly messageId: string;
}

/** The mail of a number; `small` ones have text alone. */
export function generateMail(number: number, small = false): GeneratedMail {
  const random = seededRandom(number);
  const from = person(random);
  const to = Array.from({ length: 1 + Math.floor(random() ** 4 * 6) }, () => person(random));
  const answered = number > 10 && random() < 0.4 ? number - 1 - Math.floor(random() * 10) : null;
  const subject = `${answered === null ? "" : "Re: "}${words(random, 3 + Math.floor(random() * 6))}`;
  const text = paragraphs(random, Math.min(5000, Math.round((small ? 40 : 120) * Math.exp(normal(random)))));
  const date = FIRST_DATE + number * MS_PER_MAIL;
  const messageId = messageIdOf(number);
  const header = [
    `Received: from client.company.example by mail.provider.example with ESMTP id ${number.toString(36)}`,
    `Message-ID: ${messageId}`,
    ...(answered === null ? [] : [`In-Reply-To: ${messageIdOf(answered)}`, `References: ${messageIdOf(answered)}`]),
    `Date: ${new Date(date).toUTCString().replace("GMT", "+0000")}`,
    `From: ${from}`,
    `To: ${to.join(",\r\n ")}`,
    `Subject: ${subject}`,
    "MIME-Version: 1.0",
  ];
  const octets = encodeUtf8([...header, ...(small ? plainPart(text) : body(random, text, number))].join("\r\n"));
  return { octets, from, to, subject, text, date, messageId };
}

/** A word as mails have it, the more common the smaller its rank, which begins at 1. */
export function word(rank: number): string {
  let text = "";
  for (let left = rank; left > 0; left = Math.floor(left / SYLLABLES.length)) {
    text += SYLLABLES[left % SYLLABLES.length] ?? "";
  }
  return text;
}

function messageIdOf(number: number): string {
  return `<${number.toString(36)}.mail@company.example>`;
}

function person(random: () => number): string {
  const rank = 1 + Math.floor(random() ** 2 * PEOPLE);
  const [first, last] = [word(rank * 7), word(rank * 31)];
  return `${capital(first)} ${capital(last)} <${first}.${last}@company.example>`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function words(random: () => number, count: number): string {
  return Array.from({ length: count }, () => word(Math.floor(VOCABULARY ** random()))).join(" ");
}

/** Lines of about ten words, with an empty line now and then. */
function paragraphs(random: () => number, count: number): string {
  const lines: string[] = [];
  for (let left = count; left > 0; left -= 10) {
    lines.push(`${capital(words(random, Math.min(10, left)))}${random() < 0.2 ? ".\r\n" : ""}`);
  }
  return lines.join("\r\n");
}

/** The lines after the common header. */
function body(random: () => number, text: string, number: number): string[] {
  const kind = random();
  const readable = kind < 0.5 ? plainPart(text) : alternative(text, number);
  if (random() >= 0.15) return readable;
  const size = Math.round(30_000 * Math.exp(normal(random)));
  const boundary = `mixed-${number}`;
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "",
    `--${boundary}`,
    ...readable,
    `--${boundary}`,
    `Content-Type: application/pdf; name="${words(random, 1)}-${number}.pdf"`,
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment",
    "",
    attachment(random, Math.min(2_000_000, size)),
    `--${boundary}--`,
    "",
  ];
}

function plainPart(text: string): string[] {
  return ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", text, ""];
}

function alternative(text: string, number: number): string[] {
  const boundary = `alternative-${number}`;
  const rows = text.split("\r\n").map((line) =>
    `<tr><td style="font-family:Arial,sans-serif;font-size:14px">${line}</td></tr>`
  );
  return [
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    "",
    `--${boundary}`,
    ...plainPart(text),
    `--${boundary}`,
    "Content-Type: text/html; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    `<html><body><table border="0" cellpadding="0">`,
    ...rows,
    "</table></body></html>",
    `--${boundary}--`,
    "",
  ];
}

function attachment(random: () => number, size: number): string {
  const octets = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) octets.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  return octets.toString("base64").replaceAll(/.{76}/g, "$&\r\n");
}

/** Normally distributed around 0 with a deviation of 1 (Box–Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
