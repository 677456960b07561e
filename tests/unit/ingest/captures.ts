import type { CaptureStart, Outcome } from "../../../src/drop/types.ts";
import type { DropWriter } from "../../../src/drop/types.ts";

const PLACES = {
  proxy: { name: "SMTP proxy 1", kind: "smtp", listen: "127.0.0.1:2525" },
  client: { address: "127.0.0.1", port: 50000, helo: "client.company.example", tls: null, authenticatedAs: null },
  target: { host: "mail.provider.example", address: "127.0.0.1", port: 25, tls: null },
} as const;

/** The start of a capture of SMTP. */
export function captureStart(envelope: { readonly from: string; readonly to: readonly string[] }): CaptureStart {
  const recipients = envelope.to.map((address) => ({ address, params: [], reply: "250 Ok" }));
  return { ...PLACES, smtp: { mailFrom: envelope.from, recipients, rejectedRecipients: [], params: [] } };
}

/** The start of a capture of POP3. */
export function pop3Start(user: string | null): CaptureStart {
  return {
    ...PLACES,
    proxy: { name: "POP3 proxy 1", kind: "pop3", listen: "127.0.0.1:1110" },
    pop3: { user, uidl: "uid-1", messageNumber: 1 },
  };
}

/** Writes one complete capture; gives its path. */
export async function writeCapture(
  writer: DropWriter,
  start: CaptureStart,
  octets: Uint8Array,
  outcome: Outcome = start.smtp === undefined ? "retrieved" : "accepted",
): Promise<string> {
  const capture = writer.begin(start);
  capture.write(octets);
  await capture.seal();
  return await capture.commit({ outcome, ...(outcome === "accepted" ? { reply: "250 Ok" } : {}) });
}
