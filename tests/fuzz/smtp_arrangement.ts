/** Who takes part in a fuzzed SMTP session besides the proxy, and what they have agreed on. */

import type { SocketAddress } from "../../src/net/types.ts";
import { Announcements, type TrueClient } from "./announcement_reading.ts";
import { octetsOf } from "./proxy_header_reading.ts";
import type { Random } from "./random.ts";
import { SmtpTarget } from "./smtp_target.ts";
import type { Arrangement } from "./smtp_ways.ts";

const EXTENSIONS = ["PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME", "DSN", "SIZE 10000000", "AUTH PLAIN LOGIN"];
const ATTRIBUTES = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT", "SOURCE"];
const CLIENTS = ["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "::1"] as const;
const REFUSALS = ["501 5.5.4 What?", "550 5.7.0 Not you", "450 4.7.1 Not this client"] as const;

export interface Arranged {
  readonly kind: "smtp" | "lmtp";
  /** The proxy itself. */
  readonly checksLogins: boolean;
  readonly announceClient: TrueClient["by"];
  /** The client comes through a load balancer, which says so. */
  readonly balanced: boolean;
  readonly client: SocketAddress;
  readonly target: SmtpTarget;
}

export function arrange(random: Random, arrangement: Arrangement): Arranged {
  const announceClient = announcementOf(arrangement);
  const balanced = arrangement === "proxy-header";
  const kind = arrangement === "lmtp" ? "lmtp" : "smtp";
  const address = random.of(CLIENTS);
  // No header has a zone.
  const client = { address: balanced ? address.replace(/%.*$/, "") : address, port: 1 + random.below(65_535) };
  const attributes = ATTRIBUTES.filter(() => random.below(12) > 0);
  const announcements = new Announcements({
    by: announceClient,
    loggedIn: arrangement === "logins-xclient",
    address: { ip: octetsOf(client.address) ?? "", port: client.port },
  }, attributes);
  const offered = announceClient === null ? [] : [`${announceClient.toUpperCase()} ${attributes.join(" ")}`];
  return {
    kind,
    checksLogins: arrangement === "logins" || arrangement === "logins-xclient",
    announceClient,
    balanced,
    client,
    target: new SmtpTarget({
      extensions: [
        ...EXTENSIONS.filter((keyword) => random.below(8) > 0 || keyword.startsWith("AUTH")),
        ...offered,
      ],
      lmtp: kind === "lmtp",
      refuses: (recipient) => recipient.startsWith("no"),
      answer: (content, recipient) => refusesAtEnd(content, recipient) ? "554 5.7.1 No" : "250 2.0.0 Queued",
      announcementAnswer: random.oneIn(6) ? random.of(REFUSALS) : "220 2.0.0 So be it",
      hangsUp: random.oneIn(kind === "lmtp" ? 3 : 8)
        ? { line: random.below(12), octets: random.of([0, 0, 3, 18, 24, 30]) }
        : null,
    }, announcements),
  };
}

function announcementOf(arrangement: Arrangement): TrueClient["by"] {
  switch (arrangement) {
    case "xclient":
    case "logins-xclient":
      return "xclient";
    case "xforward":
      return "xforward";
    case "proxy-header":
      return "proxy";
    default:
      return null;
  }
}

/** A fifth of the mails, in LMTP for some recipients and not for others. */
function refusesAtEnd(content: string, recipient: string): boolean {
  return (content.length + (recipient.charCodeAt(0) || 0)) % 5 === 4;
}
