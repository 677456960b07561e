import { concatBytes, encodeUtf8 } from "../../base/bytes.ts";
import { mailOf, type Sample } from "./build.ts";

const LINE_OCTETS = 76;
const BASE64 = encodeUtf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/** A scan of about `octets` octets, made on the fly: always the same, and as hard to compress as a real one. */
export function largeMail(octets: number): Sample {
  const header = mailOf(
    "From: Scanner <scanner@company.example>",
    "To: anna@company.example",
    "Date: Mon, 16 Nov 2026 13:37:00 +0100",
    "Message-ID: <scan.000417@scanner.company.example>",
    "Subject: Scan 000417",
    "MIME-Version: 1.0",
    'Content-Type: image/tiff; name="scan-000417.tif"',
    "Content-Transfer-Encoding: base64",
    'Content-Disposition: attachment; filename="scan-000417.tif"',
    "",
  );
  return {
    name: "a mail of 10 MB",
    mailFrom: "scanner@company.example",
    params: [],
    recipients: ["anna@company.example"],
    content: concatBytes([header, base64Lines(Math.ceil((octets - header.length) / (LINE_OCTETS + 2)))]),
  };
}

/** Lines of base64 characters by Marsaglia's xorshift generator, always from the same seed. */
function base64Lines(count: number): Uint8Array {
  const lines = new Uint8Array(count * (LINE_OCTETS + 2));
  let state = 417;
  let at = 0;
  for (let line = 0; line < count; line++) {
    for (let column = 0; column < LINE_OCTETS; column++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      lines[at++] = BASE64[state >>> 26] ?? 0;
    }
    lines[at++] = 13;
    lines[at++] = 10;
  }
  return lines;
}
