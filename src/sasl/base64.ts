/** Base64 as SASL uses it in SMTP and POP3 (RFC 4954 section 4, RFC 5034 section 4). */

/** Base64, or "*" to cancel. */
const RESPONSE = /^(?:[A-Za-z0-9+/]*={0,2}|\*)$/;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The octets of a base64 text; null where it isn't base64. "=" is the empty initial response. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (text === "=") return new Uint8Array(0);
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return null;
  }
}

/** The UTF-8 text within a base64 text; null where it's neither. */
export function decodeBase64Text(text: string): string | null {
  const octets = decodeBase64(text);
  if (octets === null) return null;
  try {
    return strictUtf8.decode(octets);
  } catch {
    return null;
  }
}

/** True for what a client may say in an exchange. Anything else is none of a proxy's business to pass on. */
export function isResponse(line: string): boolean {
  return RESPONSE.test(line);
}
