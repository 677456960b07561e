/** Who logs in, read from a SASL exchange that passes by. Pure; nothing secret is kept or given. */

import { decodeBase64Text } from "./base64.ts";

/**
 * The name that a client gives in its first non-empty response, which may be the initial response: the authentication
 * identity, not the one to act as. Null where the mechanism isn't known, doesn't tell, or the response is broken.
 *
 * @param mechanism as in the AUTH command, in any case
 * @param response the response as sent, in base64
 */
export function authenticationIdentity(mechanism: string, response: string): string | null {
  const text = decodeBase64Text(response);
  if (text === null) return null;
  const identity = identityIn(mechanism.toUpperCase(), text);
  return identity === undefined || identity === "" ? null : identity;
}

function identityIn(mechanism: string, text: string): string | undefined {
  switch (mechanism) {
    case "PLAIN": // RFC 4616: [authzid] NUL authcid NUL password
      return text.split("\0")[1];
    case "LOGIN": // the first answer is the name, the second the password
      return text;
    case "CRAM-MD5": // RFC 2195: name SP digest; a name may have spaces
      return /^(.+) [0-9a-f]{32}$/i.exec(text)?.[1];
    case "DIGEST-MD5": // RFC 2831 section 2.1.2
      return /(?:^|,)\s*username="((?:[^"\\]|\\.)*)"/i.exec(text)?.[1]?.replaceAll(/\\(.)/g, "$1");
    case "XOAUTH2": // user=name ^A auth=Bearer token ^A ^A
      return text.startsWith("user=") ? text.slice(5).split("\x01")[0] : undefined;
    case "OAUTHBEARER": // RFC 7628: n,a=name,^A…
      return unescapeSaslName(/^[ny](?:=[^,]*)?,a=([^,]*),/.exec(text)?.[1]);
    default:
      // RFC 5802: n,[a=authzid],n=name,r=nonce
      return mechanism.startsWith("SCRAM-") ? unescapeSaslName(/^[^,]*,[^,]*,n=([^,]*),/.exec(text)?.[1]) : undefined;
  }
}

/** RFC 5802 section 5.1: "," and "=" in names are written as "=2C" and "=3D". */
function unescapeSaslName(name: string | undefined): string | undefined {
  return name?.replaceAll("=2C", ",").replaceAll("=3D", "=");
}
