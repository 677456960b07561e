/** What was sent = what was received = what is kept. */

import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { textOf } from "../unit/pop3/memory_connection.ts";
import type { FuzzedDrop, KeptMail } from "./fuzzed_drop.ts";
import type { Arranged } from "./smtp_arrangement.ts";
import { readConversation, type SentMail } from "./smtp_onlooker.ts";
import type { ReadMail } from "./smtp_reading.ts";
import type { Wire } from "./wire.ts";

/** What the target says to mails, and in LMTP to each recipient. */
const TAKEN = /^250 2\.0\.0 Queued\r$/gm;

/** Throws where a session's client, its target and its copies don't say the same. */
export function compareMails({ kind, checksLogins, client, target }: Arranged, wire: Wire, drop: FuzzedDrop): void {
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

/** Throws where the client has heard more often that a mail was taken than there are copies of mails for it. */
export function assertKept({ kind }: Arranged, wire: Wire, drop: FuzzedDrop): void {
  const heard = wire.heard.match(TAKEN)?.length ?? 0;
  const most = drop.kept.reduce((sum, mail) => sum + (kind === "lmtp" ? readMail(mail).to.length : 1), 0);
  assert(heard <= most, `the client heard of ${heard} mails that were taken, and ${most} are kept`);
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
