/** Header fields as people read them. */

import {
  type AddressObject,
  type EmailAddress,
  type HeaderLines,
  type MailParser,
  parseAddressHeader,
} from "mailparser";

/** The fields that the archive shows and indexes; "" for those that a mail hasn't. */
export interface HeaderText {
  readonly subject: string;
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  readonly date: number | null;
  readonly messageId: string;
}

export const NO_HEADER: HeaderText = { subject: "", from: "", to: "", cc: "", date: null, messageId: "" };

const windows1252 = new TextDecoder("windows-1252");
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** Takes the fields of a parser that has read the header. */
export function headerText(parser: MailParser): HeaderText {
  const lines = parser.headerLines || [];
  return {
    subject: oneLine(decodedSubject(parser.subject ?? "", lines)),
    from: addressText("from", parser.from, lines),
    to: addressText("to", parser.to, lines),
    cc: addressText("cc", parser.cc, lines),
    date: dateOf(lines),
    messageId: oneLine(parser.messageId ?? ""),
  };
}

/** A text on one line, without control characters and unpaired surrogates. */
export function oneLine(text: string): string {
  return text.toWellFormed().replaceAll(/[\s\p{Cc}\u2028\u2029]+/gu, " ").trim();
}

/** The first field of that name, its octets as Latin-1, unfolded; "" where there is none. */
export function fieldValue(name: string, lines: HeaderLines | false): string {
  const line = (lines || []).find(({ key }) => key === name)?.line ?? "";
  return oneLine(line.slice(line.indexOf(":") + 1));
}

/** The parser takes unencoded octets for UTF-8. Where they aren't, they are what old mailers wrote: windows-1252. */
function decodedSubject(subject: string, lines: HeaderLines): string {
  return subject.includes("\uFFFD") ? rawValues("subject", lines)[0] ?? subject : subject;
}

function addressText(
  field: "from" | "to" | "cc",
  parsed: AddressObject | AddressObject[] | undefined,
  lines: HeaderLines,
): string {
  const lists = parsed === undefined ? [] : [parsed].flat();
  const text = formatAddresses(lists.flatMap(({ value }) => value));
  if (!text.includes("\uFFFD")) return text;
  const values = rawValues(field, lines);
  return values.length === 0 ? text : formatAddresses(parseAddressHeader(values).value);
}

/** Values of all fields of that name, unless their octets are UTF-8 as the parser took them to be. */
function rawValues(field: string, lines: HeaderLines): string[] {
  const values = lines.filter(({ key }) => key === field).map(({ line }) =>
    Uint8Array.from(line.slice(line.indexOf(":") + 1), (character) => character.charCodeAt(0))
  );
  return values.every(isUtf8) ? [] : values.map((octets) => windows1252.decode(octets));
}

function isUtf8(octets: Uint8Array): boolean {
  try {
    strictUtf8.decode(octets);
    return true;
  } catch {
    return false;
  }
}

/** Addresses as people read them: `Anna Huber <anna@company.example>, "Huber, B." <b@company.example>, Team: c@x, d@x;`. */
function formatAddresses(addresses: readonly EmailAddress[]): string {
  return oneLine(addresses.map(formatAddress).filter((text) => text !== "").join(", "));
}

function formatAddress({ name, address, group }: EmailAddress): string {
  if (group !== undefined) return `${name}: ${formatAddresses(group)};`;
  if (name === "") return address ?? "";
  const shown = /[,;:<>@"]/.test(name) ? `"${name.replaceAll(/["\\]/g, "\\$&")}"` : name;
  return address === undefined || address === "" ? shown : `${shown} <${address}>`;
}

/** The parser makes the present of a Date that it can't read, so the field is read here. */
function dateOf(lines: HeaderLines): number | null {
  const time = Date.parse(fieldValue("date", lines));
  return Number.isNaN(time) ? null : time;
}
