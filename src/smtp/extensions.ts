/** Service extensions: what the target offers in its EHLO reply, and what of it passes to the client. Pure. */

import { SERVER_MECHANISMS } from "../sasl/server.ts";
import { formatReplyLines, type Reply, replyLines } from "./reply.ts";

/** A line of an EHLO reply: `SIZE 1000` is keyword "SIZE" with parameter "1000". */
export interface Extension {
  /** Upper case. */
  readonly keyword: string;
  /** What follows the keyword, as sent; "" without parameters. */
  readonly parameter: string;
}

/** The extensions by keyword. */
export type Extensions = ReadonlyMap<string, string>;

export const noExtensions: Extensions = new Map();

/** What decides which extensions pass. */
export interface ExtensionPolicy {
  /** The listener offers STARTTLS and the client's leg isn't TLS yet. */
  readonly offerStartTls: boolean;
  /** Clients may log in at the target themselves, now. */
  readonly passAuth: boolean;
  /** Clients may log in at the proxy, now. */
  readonly offerAuth: boolean;
  readonly bothLegsTls: boolean;
  readonly maxMailBytes: number | null;
  readonly maxRecipients: number;
}

/** Keywords that pass as the target sent them. docs/rfc.md has the reason for each, and for those that don't. */
const PASS_UNCHANGED = new Set([
  "PIPELINING",
  "8BITMIME",
  "DSN",
  "SMTPUTF8",
  "ENHANCEDSTATUSCODES",
  "CHUNKING",
  "DELIVERBY",
  "FUTURERELEASE",
  "MT-PRIORITY",
  "RRVS",
  "NO-SOLICITING",
  "HELP",
  "VRFY",
  "EXPN",
  "ETRN",
]);

/** Parameters of MAIL and RCPT that belong to extensions that pass. Others could change what a mail is. */
export const mailParameters: ReadonlySet<string> = new Set([
  "SIZE",
  "BODY",
  "SMTPUTF8",
  "RET",
  "ENVID",
  "AUTH",
  "BY",
  "HOLDFOR",
  "HOLDUNTIL",
  "MT-PRIORITY",
  "REQUIRETLS",
  "SOLICIT",
]);
export const rcptParameters: ReadonlySet<string> = new Set(["NOTIFY", "ORCPT", "RRVS"]);

/** The extensions of an EHLO reply; its first line is the server's greeting. */
export function extensionsOf(reply: Reply): Extensions {
  return new Map(replyLines(reply).slice(1).map(parseExtension).map(({ keyword, parameter }) => [keyword, parameter]));
}

function parseExtension(line: string): Extension {
  // Some old servers write "AUTH=LOGIN PLAIN" and clients as old look for that form.
  const [, keyword = "", parameter = ""] = /^\s*(AUTH=|[^\s]*)\s*(.*?)\s*$/i.exec(line) ?? [];
  return { keyword: keyword.toUpperCase(), parameter };
}

/** The EHLO reply for the client: the target's greeting line, and the extensions that the proxy understands. */
export function filterHelloReply(reply: Reply, policy: ExtensionPolicy): Reply {
  const [greeting = "", ...lines] = replyLines(reply);
  const extensions = lines.map(parseExtension);
  const passed = extensions.flatMap((extension) => passedLine(extension, extensions, policy));
  if (policy.offerAuth) passed.push(`AUTH ${SERVER_MECHANISMS.join(" ")}`);
  if (policy.offerStartTls) passed.push("STARTTLS");
  return formatReplyLines(reply.code, [greeting, ...passed]);
}

/** The line or no line that an extension becomes. */
function passedLine(extension: Extension, all: readonly Extension[], policy: ExtensionPolicy): string[] {
  const { keyword, parameter } = extension;
  if (PASS_UNCHANGED.has(keyword)) return [withParameter(keyword, parameter)];
  switch (keyword) {
    case "SIZE":
      return [withParameter(keyword, smallerSize(parameter, policy.maxMailBytes))];
    case "BINARYMIME":
      return all.some((each) => each.keyword === "CHUNKING") ? [keyword] : [];
    case "REQUIRETLS":
      return policy.bothLegsTls ? [keyword] : [];
    case "LIMITS":
      return [withParameter(keyword, limitsWithin(parameter, policy.maxRecipients))];
    case "AUTH":
    case "AUTH=": {
      const mechanisms = passableMechanisms(parameter);
      if (!policy.passAuth || mechanisms.length === 0) return [];
      return [keyword === "AUTH" ? `AUTH ${mechanisms.join(" ")}` : `AUTH=${mechanisms.join(" ")}`];
    }
    default:
      return [];
  }
}

function withParameter(keyword: string, parameter: string): string {
  return parameter === "" ? keyword : `${keyword} ${parameter}`;
}

/** RFC 1870: the smaller of both limits; "" or 0 from the target means that it has none. */
function smallerSize(parameter: string, own: number | null): string {
  if (own === null) return parameter;
  const target = /^\d+$/.test(parameter) ? Number(parameter) : 0;
  return String(target === 0 ? own : Math.min(target, own));
}

/** RFC 9422: RCPTMAX no larger than the proxy's own limit. */
function limitsWithin(parameter: string, maxRecipients: number): string {
  return parameter.replace(
    /(^|\s)(RCPTMAX=)(\d+)/i,
    (_, space, name, count) => `${space}${name}${Math.min(Number(count), maxRecipients)}`,
  );
}

/** The mechanisms of an AUTH line that can pass through a proxy. */
export function passableMechanisms(parameter: string): string[] {
  return parameter.split(/\s+/).filter((mechanism) => mechanism !== "" && canRelayMechanism(mechanism));
}

/**
 * False for mechanisms that are bound to the connection that ends at the proxy: channel binding (RFC 5802 `-PLUS`,
 * RFC 5801 GS2), a security layer (GSSAPI), the client's TLS certificate (EXTERNAL).
 */
export function canRelayMechanism(mechanism: string): boolean {
  return !/-PLUS$|^GS2-|^GSSAPI$|^GSS-SPNEGO$|^EXTERNAL$/i.test(mechanism);
}
