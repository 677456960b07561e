import type { CaptureAddress, CaptureRecord } from "../archive/types.ts";
import type { TransmissionReport } from "../drop/types.ts";

/**
 * The addresses that decide whose a capture is: the envelope's sender unless it is null, every accepted recipient, or the
 * POP3 user; each once, in its exact spelling.
 */
export function captureAddresses(report: TransmissionReport): CaptureAddress[] {
  const found: CaptureAddress[] = [];
  if (report.smtp !== undefined) {
    if (report.smtp.mailFrom !== "") found.push({ role: "sender", address: report.smtp.mailFrom });
    const recipients = new Set(report.smtp.recipients.map((recipient) => recipient.address));
    for (const address of recipients) found.push({ role: "recipient", address });
  }
  const user = report.pop3?.user ?? "";
  if (user !== "") found.push({ role: "pop3-user", address: user });
  return found;
}

/** A capture as the catalog keeps it. */
export function captureRecord(report: TransmissionReport, file: string): CaptureRecord {
  return {
    id: report.id,
    file,
    proxy: { name: report.proxy.name, kind: report.proxy.kind },
    client: report.client.address,
    started: Date.parse(report.started),
    outcome: report.outcome,
    addresses: captureAddresses(report),
    report,
  };
}
