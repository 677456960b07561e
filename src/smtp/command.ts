/** Commands of a client (RFC 5321 section 4.1, RFC 3030, 3207, 4954, 2033), read from a line without its CRLF. Pure. */

import { commandRules, isVerb, type Verb } from "./command_table.ts";
import { parsePathAndParameters, type Path } from "./path.ts";

export type Command =
  | { readonly verb: "EHLO" | "HELO" | "LHLO"; readonly name: string }
  | { readonly verb: "MAIL" | "RCPT"; readonly path: Path; readonly params: readonly string[] }
  | { readonly verb: "BDAT"; readonly size: number; readonly last: boolean }
  /** `initial` is the initial response as sent: base64, "=" for an empty one; null without one. */
  | { readonly verb: "AUTH"; readonly mechanism: string; readonly initial: string | null }
  | { readonly verb: "DATA" | "RSET" | "NOOP" | "VRFY" | "EXPN" | "ETRN" | "HELP" | "QUIT" | "STARTTLS" }
  /** A known command whose argument can't be understood. */
  | { readonly verb: "INVALID"; readonly of: Verb }
  /** Not a command of this proxy. */
  | { readonly verb: "UNKNOWN" };

const UNKNOWN: Command = { verb: "UNKNOWN" };
const MAX_WORD = 8;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The command in a line. The line itself is what goes to the target, so this only decides what the command is; where
 * that isn't certain (control characters, broken UTF-8, an argument that can't be read), it is INVALID or UNKNOWN and
 * must not be passed on.
 */
export function parseCommand(line: Uint8Array): Command {
  const verb = verbOf(line);
  if (verb === null) return UNKNOWN;
  const text = lineText(line);
  if (text === null) return { verb: "INVALID", of: verb };
  const argument = text.slice(verb.length).trim();
  if (commandRules[verb].bare && argument !== "") return { verb: "INVALID", of: verb };
  switch (verb) {
    case "EHLO":
    case "HELO":
    case "LHLO":
      return argument === "" ? { verb: "INVALID", of: verb } : { verb, name: argument };
    case "MAIL":
      return envelopeCommand(verb, "FROM:", argument);
    case "RCPT":
      return envelopeCommand(verb, "TO:", argument);
    case "BDAT":
      return chunkCommand(argument);
    case "AUTH":
      return authCommand(argument);
    default:
      return { verb };
  }
}

/** The verb that a line begins with, in any case; null where it isn't one of ours. */
function verbOf(line: Uint8Array): Verb | null {
  let word = "";
  for (let at = 0; at < line.length && line[at] !== 0x20; at++) {
    if (at === MAX_WORD) return null;
    word += String.fromCharCode(line[at] ?? 0);
  }
  word = word.toUpperCase();
  return isVerb(word) ? word : null;
}

/** The line as text; null where it has control characters or isn't UTF-8. */
function lineText(line: Uint8Array): string | null {
  let ascii = true;
  for (const byte of line) {
    if (byte < 0x20 || byte === 0x7f) return null;
    if (byte > 0x7f) ascii = false;
  }
  if (ascii && line.length < 256) return String.fromCharCode(...line);
  try {
    return utf8.decode(line);
  } catch {
    return null;
  }
}

function envelopeCommand(verb: "MAIL" | "RCPT", keyword: string, argument: string): Command {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return { verb: "INVALID", of: verb };
  const parsed = parsePathAndParameters(argument.slice(keyword.length));
  if (parsed === null || (verb === "RCPT" && parsed.path.address === "")) return { verb: "INVALID", of: verb };
  return { verb, path: parsed.path, params: parsed.params };
}

/** RFC 3030 section 2: `BDAT 86 LAST`. At most 15 digits, so that the number is exact. */
function chunkCommand(argument: string): Command {
  const [, digits, last] = /^(\d{1,15})(?: +(LAST))?$/i.exec(argument) ?? [];
  if (digits === undefined) return { verb: "INVALID", of: "BDAT" };
  return { verb: "BDAT", size: Number(digits), last: last !== undefined };
}

/** RFC 4954 section 4: a mechanism, and perhaps an initial response in base64. */
function authCommand(argument: string): Command {
  const [, mechanism, initial] = /^([A-Za-z0-9_-]{1,20})(?: +([A-Za-z0-9+/=]+))?$/.exec(argument) ?? [];
  if (mechanism === undefined) return { verb: "INVALID", of: "AUTH" };
  return { verb: "AUTH", mechanism: mechanism.toUpperCase(), initial: initial ?? null };
}
