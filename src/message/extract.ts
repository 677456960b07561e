/** What a mail says, for people and for the search index. */

import { concatBytes, encodeUtf8 } from "../base/bytes.ts";
import { MAX_HTML_CHARACTERS, type MimeParts, parseMime, START_BYTES } from "./mime_parts.ts";
import type { ExtractedMessage, ExtractLimits, MailContent } from "./types.ts";

const DEFAULT_LIMITS: ExtractLimits = {
  headerBytes: 256 * 1024,
  bodyBytes: 16 * 1024 * 1024,
  textBytes: 1024 * 1024,
  parts: 1000,
  depth: 5,
};

/** Limits that a mail of `START_BYTES` can't reach, with a mail cut off there to parse. */
const START_LIMITS = { parts: START_BYTES, headerBytes: 16 * 1024 * 1024 };

/**
 * Takes header fields, body text and attachment names out of a mail. Gives what it could of a mail that is broken or over
 * a limit, and says so in `problems`. Memory is bounded by the limits, however large the mail: attachments flow past.
 * Rejects only with what the content itself throws.
 */
export async function extractMessage(
  content: MailContent,
  limits: Partial<ExtractLimits> = {},
): Promise<ExtractedMessage> {
  const { text, ...message } = await extractAt(content, { ...DEFAULT_LIMITS, ...limits }, 0);
  return { ...message, text: cleanText(text) };
}

async function extractAt(content: MailContent, limits: ExtractLimits, depth: number): Promise<ExtractedMessage> {
  const problems: string[] = [];
  const parts = await secondLook(await parseMime(content, limits), limits, problems);
  if (parts.cut) problems.push(`only the first ${limits.bodyBytes} octets outside attachments were looked at`);
  const attachments = [...parts.attachments];
  let text = await bodyText(parts, limits, problems);
  if (parts.messages.length > 0 && depth >= limits.depth) {
    problems.push(`messages nested deeper than ${limits.depth} levels weren't looked at`);
  }
  for (const inner of depth < limits.depth ? parts.messages : []) {
    const textBytes = Math.max(0, limits.textBytes - encodeUtf8(text).length);
    const message = await extractAt(inner, { ...limits, textBytes }, depth + 1);
    attachments.push(...message.attachments);
    problems.push(...message.problems.filter((problem) => !problems.includes(problem)));
    text += `\n\n${messageText(message)}`;
  }
  return { ...parts.header, text: cut(text, limits, problems), attachments, problems };
}

/**
 * What the parser couldn't do at first: go on where a limit was reached, take a body whose MIME structure is broken as
 * text, and read octets that no charset was declared for as what old mailers wrote, windows-1252.
 */
async function secondLook(parts: MimeParts, limits: ExtractLimits, problems: string[]): Promise<MimeParts> {
  if (parts.failure !== null) {
    problems.push(`the parser gave up: ${parts.failure}; only its first ${parts.start.length} octets are searchable`);
    const start = await parseMime(parts.start, { ...limits, ...START_LIMITS });
    const { attachments, messages } = parts.attachments.length >= start.attachments.length ? parts : start;
    return { ...start, attachments, messages };
  }
  if (!parts.startIsAll) return parts;
  if (parts.text === "" && parts.html === "" && parts.attachments.length === 0) {
    const { text } = await parseAs("text/plain; charset=utf-8", parts.start, limits);
    if (text.trim() !== "") problems.push("its MIME structure is broken, so its body was taken as plain text");
    return { ...parts, text };
  }
  const undeclared = UNDECLARED_TEXT.exec(parts.contentType);
  if (undeclared === null || !`${parts.text}${parts.html}`.includes("\uFFFD")) return parts;
  return await parseAs(`text/${undeclared[1] ?? "plain"}; charset=windows-1252`, parts.start, limits);
}

/** No Content-Type, or text without a charset or in US-ASCII; the subtype is captured. */
const UNDECLARED_TEXT = /^(?:$|text\/(plain|html)(?:(?!.*charset)|.*charset\s*=\s*"?us-ascii))/;

/** Parses a mail as if its Content-Type were another: the first field of a name is the one that counts. */
function parseAs(contentType: string, mail: Uint8Array, limits: ExtractLimits): Promise<MimeParts> {
  return parseMime(concatBytes([encodeUtf8(`Content-Type: ${contentType}\r\n`), mail]), limits);
}

/** A message within a message as text. */
function messageText(message: ExtractedMessage): string {
  const fields = [["From", message.from], ["To", message.to], ["Cc", message.cc], ["Subject", message.subject]];
  const header = fields.filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${value}\n`);
  return `${header.join("")}\n${message.text}`;
}

/** An alternative's plain text this short may be no more than "open this in an HTML reader". */
const SHORT_TEXT_CHARACTERS = 200;

async function bodyText(parts: MimeParts, limits: ExtractLimits, problems: string[]): Promise<string> {
  const text = parts.text.trim();
  const short = text.length < SHORT_TEXT_CHARACTERS && parts.html.length > 10 * text.length;
  if (parts.html === "" || !(parts.htmlLeft || short)) return text;
  const html = startOfHtml(parts.html);
  if (html.length < parts.html.length) problems.push(`only the first ${html.length} characters of its HTML were read`);
  const converted = await parseMime(htmlMail(html), limits);
  if (converted.htmlLeft) problems.push("its HTML is nested too deeply to be read");
  const fromHtml = converted.text.trim();
  return text.includes(fromHtml) ? text : `${text}\n\n${fromHtml}`;
}

/** HTML as a mail of its own, so that the parser's own conversion makes text of it. */
function htmlMail(html: string): Uint8Array {
  return encodeUtf8(`Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${html}`);
}

/** As much as the parser converts, up to the end of a tag where there is one. */
function startOfHtml(html: string): string {
  if (html.length <= MAX_HTML_CHARACTERS) return html;
  const start = html.slice(0, MAX_HTML_CHARACTERS);
  const end = start.lastIndexOf(">");
  return end < 0 ? start : start.slice(0, end + 1);
}

const encoder = new TextEncoder();

function cut(text: string, limits: ExtractLimits, problems: string[]): string {
  if (text.length * 3 <= limits.textBytes) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(limits.textBytes));
  if (read === text.length) return text;
  problems.push(`only the first ${limits.textBytes} octets of its text are searchable`);
  return text.slice(0, read);
}

/** Text without control characters, but for line ends and tabs. */
function cleanText(text: string): string {
  return text.toWellFormed().replaceAll(/\r\n?/g, "\n").replaceAll(/[^\P{Cc}\n\t]/gu, " ").trim();
}
