import { createHash } from "node:crypto";

/** SHA-256 of octets, lower-case hex. */
export function sha256Of(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}
