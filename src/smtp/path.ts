/** Reverse-paths, forward-paths and their parameters (RFC 5321 section 4.1.2), as real clients send them. Pure. */

/** A path of MAIL FROM or RCPT TO. */
export interface Path {
  /** The mailbox with its exact spelling, without angle brackets and source route; "" is the null reverse-path. */
  readonly address: string;
  /** A source route (RFC 5321 appendix C) such as "@a.example,@b.example"; null without one. */
  readonly route: string | null;
}

/** A path and its parameters: `<anna@a.example> SIZE=100 BODY=8BITMIME`. */
export interface PathAndParameters {
  readonly path: Path;
  /** ESMTP parameters as sent: `["SIZE=100", "BODY=8BITMIME"]`. */
  readonly params: readonly string[];
}

/** Characters that stand for themselves in neither local part nor domain. */
const SPECIALS = '()<>[]:;,\\"@';
const PARAMETER = /^[A-Za-z0-9][A-Za-z0-9-]*(?:=[^\s]+)?$/;

/**
 * Reads what follows `MAIL FROM:` or `RCPT TO:`; null where it isn't one path and parameters.
 *
 * More lenient than the RFC where the meaning stays plain: spaces before the path, a mailbox without angle brackets,
 * dots at odd places, a local part alone, UTF-8. Never where two readers could see different mailboxes: comments, lists,
 * display names and unbalanced brackets are refused, so that no recipient can pass unseen.
 */
export function parsePathAndParameters(text: string): PathAndParameters | null {
  let at = skipSpaces(text, 0);
  const bracketed = text[at] === "<";
  if (bracketed) at++;
  const routeEnd = bracketed ? scanRoute(text, at) : at;
  if (routeEnd < 0) return null;
  const mailboxEnd = scanMailbox(text, routeEnd);
  if (mailboxEnd < 0) return null;
  const address = text.slice(routeEnd, mailboxEnd);
  let rest = mailboxEnd;
  if (bracketed) {
    if (text[rest] !== ">") return null;
    rest++;
  } else if (address === "") {
    return null;
  }
  if (rest < text.length && text[rest] !== " ") return null;
  const params = text.slice(rest).split(" ").filter((word) => word !== "");
  if (!params.every((param) => PARAMETER.test(param))) return null;
  const route = routeEnd > at ? text.slice(at, routeEnd - 1) : null;
  if (route !== null && address === "") return null;
  return { path: { address, route }, params };
}

/** The upper-case keyword of a parameter: "size=100" → "SIZE". */
export function parameterKeyword(param: string): string {
  const equals = param.indexOf("=");
  return (equals < 0 ? param : param.slice(0, equals)).toUpperCase();
}

/** The value of a parameter; null without one. */
export function parameterValue(params: readonly string[], keyword: string): string | null {
  const param = params.find((each) => parameterKeyword(each) === keyword);
  if (param === undefined) return null;
  const equals = param.indexOf("=");
  return equals < 0 ? null : param.slice(equals + 1);
}

function skipSpaces(text: string, at: number): number {
  while (text[at] === " ") at++;
  return at;
}

/** Where a source route `@a,@b:` ends, its colon included; `at` where there is none, -1 where it's broken. */
function scanRoute(text: string, at: number): number {
  if (text[at] !== "@") return at;
  for (let next = at;;) {
    if (text[next] !== "@") return -1;
    const domainEnd = scanDomain(text, next + 1);
    if (domainEnd < 0) return -1;
    if (text[domainEnd] === ":") return domainEnd + 1;
    if (text[domainEnd] !== ",") return -1;
    next = domainEnd + 1;
  }
}

/** Where a mailbox ends; `at` where it's empty, -1 where it's broken. */
function scanMailbox(text: string, at: number): number {
  const localEnd = scanLocalPart(text, at);
  if (localEnd < 0 || text[localEnd] !== "@") return localEnd;
  return localEnd === at ? -1 : scanDomain(text, localEnd + 1);
}

/** Where a run of atoms, dots and quoted strings ends; -1 where a quoted string isn't closed. */
function scanLocalPart(text: string, at: number): number {
  while (at < text.length) {
    if (text[at] === '"') {
      at = scanQuoted(text, at + 1);
      if (at < 0) return -1;
    } else if (isAtomCharacter(text[at])) {
      at++;
    } else {
      return at;
    }
  }
  return at;
}

/** Where a quoted string ends, after its closing quote; `at` is after the opening one. */
function scanQuoted(text: string, at: number): number {
  for (; at < text.length; at++) {
    if (text[at] === '"') return at + 1;
    if (text[at] === "\\") at++;
  }
  return -1;
}

/** Where a domain or an address literal ends; -1 where it's empty or broken. */
function scanDomain(text: string, at: number): number {
  if (text[at] === "[") {
    for (let end = at + 1; end < text.length; end++) {
      if (text[end] === "]") return end + 1;
      if (text[end] !== ":" && !isAtomCharacter(text[end])) return -1;
    }
    return -1;
  }
  let end = at;
  while (end < text.length && isAtomCharacter(text[end])) end++;
  return end > at ? end : -1;
}

function isAtomCharacter(character: string | undefined): boolean {
  return character !== undefined && character > " " && character !== "\x7f" && !SPECIALS.includes(character);
}
