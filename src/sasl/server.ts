/** The server's side of PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login), as pure challenge and response. */

import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import type { SaslCredentials } from "./types.ts";

/** The mechanisms, as an AUTH line lists them. */
export const SERVER_MECHANISMS = ["PLAIN", "LOGIN"] as const;

/** An exchange as far as it has come. `username` is null until LOGIN has asked for it. */
export type SaslExchange =
  | { readonly mechanism: "PLAIN" }
  | { readonly mechanism: "LOGIN"; readonly username: string | null };

export type SaslServerStep =
  /** Ask so, and give the answer to the next step of `exchange`. */
  | { readonly kind: "challenge"; readonly challenge: Uint8Array; readonly exchange: SaslExchange }
  /** The client claims to be this user. */
  | { readonly kind: "credentials"; readonly credentials: SaslCredentials }
  | { readonly kind: "malformed" };

const NO_CHALLENGE = new Uint8Array(0);
const ASK_NAME = encodeUtf8("Username:");
const ASK_PASSWORD = encodeUtf8("Password:");

/** The exchange of a mechanism at its beginning; null for those that there are none of. */
export function beginSaslExchange(mechanism: string): SaslExchange | null {
  switch (mechanism.toUpperCase()) {
    case "PLAIN":
      return { mechanism: "PLAIN" };
    case "LOGIN":
      return { mechanism: "LOGIN", username: null };
    default:
      return null;
  }
}

/** @param response what the client has sent, base64 taken off; null where it hasn't sent anything so far */
export function saslServerStep(exchange: SaslExchange, response: Uint8Array | null): SaslServerStep {
  if (exchange.mechanism === "PLAIN") {
    return response === null ? { kind: "challenge", challenge: NO_CHALLENGE, exchange } : plainCredentials(response);
  }
  if (response === null) return { kind: "challenge", challenge: ASK_NAME, exchange };
  const text = decodeUtf8(response);
  const { username } = exchange;
  if (username !== null) return { kind: "credentials", credentials: { username, password: text } };
  return { kind: "challenge", challenge: ASK_PASSWORD, exchange: { mechanism: "LOGIN", username: text } };
}

/** RFC 4616: [authzid] NUL authcid NUL password. Nobody may act as another. */
function plainCredentials(response: Uint8Array): SaslServerStep {
  const [actAs, username, password, ...more] = decodeUtf8(response).split("\0");
  if (username === undefined || password === undefined || more.length > 0) return { kind: "malformed" };
  if (actAs !== "" && actAs !== username) return { kind: "malformed" };
  return { kind: "credentials", credentials: { username, password } };
}
