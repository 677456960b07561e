/**
 * Who the client is, in the commands by which Postfix and others let a trusted proxy tell it: XCLIENT
 * (https://www.postfix.org/XCLIENT_README.html) and XFORWARD (https://www.postfix.org/XFORWARD_README.html). Pure.
 */

import { isIPv6 } from "node:net";
import { encodeUtf8 } from "../base/bytes.ts";
import type { SocketAddress } from "../net/types.ts";

/** Both ends of the client's connection. */
export interface ClientEnds {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
}

/** What can be told of a client. */
export interface ClientFacts {
  readonly ends: ClientEnds;
  /** As given in EHLO, HELO or LHLO. */
  readonly helo: string | null;
  readonly protocol: "SMTP" | "ESMTP" | "LMTP";
  /** Who logged in at the proxy; null for nobody. */
  readonly login: string | null;
}

/** Longer ones aren't told. */
const MAX_VALUE_LENGTH = 255;
/** A whole command without its CRLF. */
const MAX_COMMAND_LENGTH = 510;
/** No look-up in the DNS is made, and none failed for a while: the target may make its own. */
const UNKNOWN = "[UNAVAILABLE]";

/**
 * The XCLIENT command with what the target's EHLO reply offers, without CRLF; null where it doesn't take an address.
 *
 * @param offered the attributes of the reply's XCLIENT line: "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"
 */
export function xclientCommand(offered: string, facts: ClientFacts): string | null {
  const { ends: { remote, local }, helo, protocol, login } = facts;
  return command("XCLIENT", offered, {
    NAME: UNKNOWN,
    ADDR: addressValue(remote.address),
    PORT: String(remote.port),
    // XCLIENT knows these two only.
    PROTO: protocol === "SMTP" ? "SMTP" : "ESMTP",
    HELO: textValue(helo),
    ...(login === null ? {} : { LOGIN: textValue(login) }),
    DESTADDR: addressValue(local.address),
    DESTPORT: String(local.port),
  });
}

/** The same for XFORWARD, which has to come before each MAIL. */
export function xforwardCommand(offered: string, facts: ClientFacts): string | null {
  const { ends: { remote }, helo, protocol } = facts;
  return command("XFORWARD", offered, {
    NAME: UNKNOWN,
    ADDR: addressValue(remote.address),
    PORT: String(remote.port),
    PROTO: protocol,
    HELO: textValue(helo),
    SOURCE: "REMOTE",
  });
}

function command(verb: string, offered: string, values: Readonly<Record<string, string>>): string | null {
  const names = new Set(offered.toUpperCase().split(/\s+/));
  if (!names.has("ADDR")) return null;
  const written = (told: Readonly<Record<string, string>>) => {
    const attributes = Object.entries(told).filter(([name]) => names.has(name));
    return [verb, ...attributes.map(([name, value]) => `${name}=${value}`)].join(" ");
  };
  const whole = written(values);
  // What the client calls itself is the least certain of all that is told.
  return whole.length <= MAX_COMMAND_LENGTH ? whole : written({ ...values, HELO: UNKNOWN });
}

function addressValue(address: string): string {
  return isIPv6(address) ? `IPV6:${address.replace(/%.*$/, "")}` : address;
}

function textValue(text: string | null): string {
  const value = text === null ? UNKNOWN : xtext(text);
  return value.length > MAX_VALUE_LENGTH ? UNKNOWN : value;
}

/** RFC 3461 section 4: "+", "=" and all but printable ASCII as "+2B", "+3D" … */
function xtext(text: string): string {
  const parts = Array.from(encodeUtf8(text), (octet) => {
    const plain = octet > 0x20 && octet < 0x7f && octet !== 0x2b && octet !== 0x3d;
    return plain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return parts.join("");
}
