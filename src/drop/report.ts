/**
 * How a transmission report is laid out as JSON, so that its end can be settled in place.
 *
 * A capture is flushed before anybody knows how the transmission ends. What is only known afterwards (the reply, the
 * outcome, the time) therefore stands at the very end of the JSON, in a region that fills exactly one 512-byte sector of
 * the file: it is overwritten by one write that a disk carries out whole or not at all.
 */

import { encodeUtf8 } from "../base/bytes.ts";
import type { Outcome, ReportRecipient, ReportTls, SmtpTransmission, TransmissionReport } from "./types.ts";

/** The smallest unit that disks write whole; the region is as long and begins at a multiple of it. */
export const SETTLEMENT_BYTES = 512;

/** What the settlement region tells. */
export interface SettledEnd {
  readonly outcome: Outcome;
  readonly finished: string | null;
  /** The reply to the end of the mail; left out for POP3. */
  readonly reply?: string | null;
}

/** How every capture is sealed: the outcome isn't known yet. */
export function unknownEnd(kind: "smtp" | "pop3"): SettledEnd {
  return { outcome: "unknown", finished: null, ...(kind === "smtp" ? { reply: null } : {}) };
}

/**
 * The JSON up to the settlement region. Members stand in a fixed order, and none but these, whatever else the values hold.
 * No line begins with anything but a brace or white space.
 */
export function reportStart(report: Omit<TransmissionReport, "outcome" | "finished">): string {
  const { version, id, proxy, client, target, started, mail, smtp, pop3 } = report;
  const members = {
    version,
    id,
    proxy: { name: proxy.name, kind: proxy.kind, listen: proxy.listen },
    client: {
      address: client.address,
      port: client.port,
      helo: client.helo,
      tls: tlsMembers(client.tls),
      authenticatedAs: client.authenticatedAs,
    },
    target: { host: target.host, address: target.address, port: target.port, tls: tlsMembers(target.tls) },
    started,
    mail: { size: mail.size, sha256: mail.sha256, headerSize: mail.headerSize },
    ...(smtp === undefined ? {} : { smtp: smtpMembers(smtp) }),
    ...(pop3 === undefined ? {} : { pop3: { user: pop3.user, uidl: pop3.uidl, messageNumber: pop3.messageNumber } }),
  };
  const text = JSON.stringify(members, null, 2);
  const end = smtp === undefined ? "\n}" : "\n  }\n}";
  return (text.slice(0, -end.length) + ",").replaceAll("\n", "\r\n");
}

function tlsMembers(tls: ReportTls | null): ReportTls | null {
  return tls === null ? null : { version: tls.version, cipher: tls.cipher };
}

/** `reply` is missing: the settlement region begins with it. */
function smtpMembers(smtp: Omit<SmtpTransmission, "reply">): Omit<SmtpTransmission, "reply"> {
  return {
    mailFrom: smtp.mailFrom,
    params: smtp.params,
    recipients: smtp.recipients.map(recipientMembers),
    rejectedRecipients: smtp.rejectedRecipients.map(recipientMembers),
  };
}

function recipientMembers({ address, params, reply }: ReportRecipient): ReportRecipient {
  return { address, params, reply };
}

/** The JSON from the settlement region on: 512 bytes, filled up with spaces; null where the text is longer. */
export function settlementRegion(end: SettledEnd): Uint8Array<ArrayBuffer> | null {
  const text = encodeUtf8(settlementText(end));
  if (text.length > SETTLEMENT_BYTES) return null;
  const region = new Uint8Array(SETTLEMENT_BYTES).fill(0x20);
  region.set(text);
  return region;
}

/** The JSON's end; what `settlementRegion` holds, of any length. */
export function settlementText(end: SettledEnd): string {
  const reply = end.reply === undefined ? "" : `\r\n    "reply": ${JSON.stringify(end.reply)}\r\n  },`;
  return `${reply}\r\n  "outcome": ${JSON.stringify(end.outcome)},\r\n  "finished": ${
    JSON.stringify(end.finished)
  }\r\n}`;
}
