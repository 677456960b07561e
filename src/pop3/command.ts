/** POP3 commands (RFC 1939 section 3), read from a client's lines. Pure. */

import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { type CommandRule, commandRules, isKnownVerb, type KnownVerb, unknownCommandRule } from "./command_table.ts";

export type Command =
  | { readonly verb: "USER" | "APOP"; readonly name: string }
  | { readonly verb: "PASS" | "CAPA" | "STLS" | "STAT" | "NOOP" | "RSET" | "LAST" | "QUIT" | "UTF8" }
  | { readonly verb: "LIST" | "UIDL"; readonly number: number | null }
  | { readonly verb: "RETR" | "DELE"; readonly number: number }
  | { readonly verb: "TOP"; readonly number: number; readonly lines: number }
  | { readonly verb: "LANG"; readonly tag: string | null }
  /** `mechanism` in upper case. `initial` is the initial response in base64, "=" where it is empty. */
  | { readonly verb: "AUTH"; readonly mechanism: string | null; readonly initial: string | null }
  | { readonly verb: "UNKNOWN"; readonly word: string }
  /** Nothing that may be passed on; `problem` says why, in words for the client. */
  | { readonly verb: "INVALID"; readonly problem: string };

export interface ParsedCommand {
  readonly command: Command;
  /** What the target gets, without CRLF; nothing for INVALID. */
  readonly line: Uint8Array;
}

const SPACE = 0x20;
const TAB = 0x09;
const DELETE = 0x7f;
const NOTHING = new Uint8Array(0);

/**
 * Reads a line without its CRLF.
 *
 * A server must never see a command in a line in which the proxy sees another, since a mail could then pass without a
 * copy. So commands with numbers are passed on in the one form that leaves no choice ("RETR 7", whatever the spaces,
 * zeros and letter case were), other known commands as they came, and lines that servers might read differently
 * (control characters, spaces in front of the verb, a message number that isn't one) not at all.
 */
export function parseCommand(line: Uint8Array): ParsedCommand {
  const space = line.indexOf(SPACE);
  const word = decodeUtf8(space < 0 ? line : line.subarray(0, space));
  const verb = word.toUpperCase();
  const rest = space < 0 ? NOTHING : line.subarray(space + 1);
  if (!/^[A-Z][A-Z0-9-]*$/.test(verb)) return invalid("A command begins with a word of letters and digits");
  if (hasControlCharacter(rest, verb === "USER" || verb === "PASS")) {
    return invalid("Control characters have no place in a command");
  }
  if (verb === "XTND") return invalid("XTND isn't passed on: mails sent by it would have no copy");
  if (verb === "XCLIENT") return invalid("XCLIENT isn't passed on: a client could pose as another by it");
  if (!isKnownVerb(verb)) return { command: { verb: "UNKNOWN", word: verb }, line };
  return parseKnown(verb, decodeUtf8(rest), line);
}

/** The rule of a command; INVALID, which isn't passed on, has none. */
export function ruleOf(command: Command): CommandRule | null {
  if (command.verb === "INVALID") return null;
  return command.verb === "UNKNOWN" ? unknownCommandRule : commandRules[command.verb];
}

/** True where a block of lines follows the command's `+OK`. */
export function expectsBlock(command: Command): boolean {
  switch (ruleOf(command)?.reply) {
    case "block":
    case "mail":
      return true;
    case "block-without-argument":
      return !hasArgument(command);
    default:
      return false;
  }
}

function hasArgument(command: Command): boolean {
  switch (command.verb) {
    case "LIST":
    case "UIDL":
      return command.number !== null;
    case "AUTH":
      return command.mechanism !== null;
    case "LANG":
      return command.tag !== null;
    default:
      return false;
  }
}

function parseKnown(verb: KnownVerb, rest: string, line: Uint8Array): ParsedCommand {
  const words = rest.split(" ").filter((word) => word !== "");
  switch (verb) {
    case "USER":
      return words.length === 0 ? invalid("USER needs a name") : { command: { verb, name: rest }, line };
    case "PASS":
      return { command: { verb }, line };
    case "APOP":
      return parseApop(rest, line);
    case "AUTH":
      return parseAuth(words, line);
    case "LANG":
      return words.length > 1 ? invalid("LANG takes one tag") : { command: { verb, tag: words[0] ?? null }, line };
    case "LIST":
    case "UIDL":
      return parseOptionalNumber(verb, words);
    case "RETR":
    case "DELE":
      return parseNumber(verb, words);
    case "TOP":
      return parseTop(words);
    default:
      return words.length > 0 ? invalid(`${verb} takes no argument`) : { command: { verb }, line: encodeUtf8(verb) };
  }
}

/** RFC 1939 section 7: name, then digest; the name may hold spaces where the server allows that. */
function parseApop(rest: string, line: Uint8Array): ParsedCommand {
  const end = rest.lastIndexOf(" ");
  if (end < 1) return invalid("APOP needs a name and a digest");
  return { command: { verb: "APOP", name: rest.slice(0, end) }, line };
}

function parseAuth([mechanism, initial, ...more]: string[], line: Uint8Array): ParsedCommand {
  if (mechanism === undefined) {
    return { command: { verb: "AUTH", mechanism: null, initial: null }, line: encodeUtf8("AUTH") };
  }
  if (more.length > 0) return invalid("AUTH takes a mechanism and one initial response");
  return { command: { verb: "AUTH", mechanism: mechanism.toUpperCase(), initial: initial ?? null }, line };
}

function parseOptionalNumber(verb: "LIST" | "UIDL", words: readonly string[]): ParsedCommand {
  const [word, ...more] = words;
  if (word === undefined) return { command: { verb, number: null }, line: encodeUtf8(verb) };
  const number = messageNumber(word);
  if (number === null || more.length > 0) return invalid(`${verb} takes one message number, or none`);
  return { command: { verb, number }, line: encodeUtf8(`${verb} ${number}`) };
}

function parseNumber(verb: "RETR" | "DELE", words: readonly string[]): ParsedCommand {
  const number = messageNumber(words[0]);
  if (number === null || words.length > 1) return invalid(`${verb} needs one message number`);
  return { command: { verb, number }, line: encodeUtf8(`${verb} ${number}`) };
}

function parseTop(words: readonly string[]): ParsedCommand {
  const number = messageNumber(words[0]);
  const lines = wholeNumber(words[1]);
  if (number === null || lines === null || words.length > 2) {
    return invalid("TOP needs a message number and a number of lines");
  }
  return { command: { verb: "TOP", number, lines }, line: encodeUtf8(`TOP ${number} ${lines}`) };
}

/** Ten digits hold every number that servers count messages with. */
function wholeNumber(word: string | undefined): number | null {
  return word !== undefined && /^0*\d{1,10}$/.test(word) ? Number(word) : null;
}

function messageNumber(word: string | undefined): number | null {
  const number = wholeNumber(word);
  return number === 0 ? null : number;
}

/** Names and passwords may hold tabs. */
function hasControlCharacter(bytes: Uint8Array, tabAllowed: boolean): boolean {
  return bytes.some((byte) => byte === DELETE || (byte < SPACE && !(tabAllowed && byte === TAB)));
}

function invalid(problem: string): ParsedCommand {
  return { command: { verb: "INVALID", problem }, line: NOTHING };
}
