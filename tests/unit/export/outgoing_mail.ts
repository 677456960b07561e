import { createHash } from "node:crypto";
import type { OutgoingMail } from "../../../src/export/types.ts";

/** Octets as a stream, cut at these places. */
export async function* chunked(
  bytes: Uint8Array<ArrayBuffer>,
  cuts: readonly number[] = [],
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

/** A mail on its way out, with fixed facts. */
export function outgoing(bytes: Uint8Array<ArrayBuffer>): OutgoingMail {
  return {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    size: bytes.length,
    date: new Date("2026-11-03T11:55:01Z"),
    subject: "A subject",
    sender: "anna@company.example",
    content: chunked(bytes),
  };
}
