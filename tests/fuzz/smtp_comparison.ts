/** What was sent = what was received = what is kept. */

import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { textOf } from "../unit/pop3/memory_connection.ts";
import type { InstantDrop, KeptMail } from "./instant_drop.ts";
import type { Arranged } from "./smtp_arrangement.ts";
import { readConversation, type SentMail } from "./smtp_onlooker.ts";
import type { ReadMail } from "./smtp_reading.ts";
import type { Wire } from "./wire.ts";

/** Throws where a session's client, its target and its copies don't say the same. */
export function compareMails({ kind, checksLogins, client, target }: Arranged, wire: Wire, drop: InstantDrop): void {
  const received = drop.kept.filter(({ settlement }) => settlement.outcome === "accepted").map(readMail);
  assertEquals(received, target.mails, "copies and received mails differ");
  const told = readConversation(wire.said, wire.heard, { lmtp: kind === "lmtp", ownLogins: checksLogins });
  assertEquals(told.oddities, [], "logins ended as they shouldn't");
  const kept = drop.kept.filter(acceptedAsHeard).map((mail): SentMail => ({
    ...readMail(mail),
    user: checksLogins ? octets(mail.start.client.authenticatedAs ?? "") : null,
  }));
  assertEquals(wire.broken ? kept.slice(0, told.mails.length) : kept, told.mails, "copies and sent mails differ");
  for (const { start } of drop.kept) {
    assertEquals({ address: start.client.address, port: start.client.port }, client, "copies of another client");
  }
}

/** Where the answer was lost, the copy says "unknown": the client knows of no mail, or, in LMTP, for some recipients. */
function acceptedAsHeard({ settlement: { outcome, reply = "" } }: KeptMail): boolean {
  return outcome === "accepted" || /^2/m.test(reply);
}

function readMail({ start, settlement, content }: KeptMail): ReadMail {
  const recipients = settlement.recipients ?? start.smtp?.recipients ?? [];
  return {
    from: octets(start.smtp?.mailFrom ?? ""),
    to: recipients.map(({ address }) => octets(address)),
    content,
  };
}

/** Octets are characters up to U+00FF. */
function octets(text: string): string {
  return textOf(encodeUtf8(text));
}
