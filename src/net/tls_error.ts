import { errorText, MailteeError } from "../base/errors.ts";
import { describeCertificate, validityProblem } from "./certificate_description.ts";
import { connectionError, isLoss } from "./socket_error.ts";
import type { ClientTlsOptions } from "./types.ts";

export type TlsRole = "client" | "server";

/** What node:tls calls a peer that answers with something else than TLS. */
const NO_TLS = /InvalidContentType|wrong version number/i;
const NO_COMMON_GROUND = /ProtocolVersion|HandshakeFailure|NoCipherSuitesInCommon|PeerIncompatible/i;
const ALERT = /received fatal alert: (\w+)/;

const NO_TLS_HINTS: Readonly<Record<TlsRole, string>> = {
  client: 'Servers of mail often begin in clear text on this port: set tls to "starttls" (or "none").',
  server: 'The client begins in clear text: change its setting, or this listener\'s tls from "implicit" to "starttls".',
};

/** Why a TLS handshake failed: "tls", or "connection-lost" where the peer broke off. A MailteeError passes as it is. */
export function handshakeError(error: unknown, peer: string, role: TlsRole): MailteeError {
  if (error instanceof MailteeError) return error;
  if (isLoss(error)) return connectionError(error, `${peer}, in the TLS handshake,`);
  const { words, hint } = handshakeWords(errorText(error), role);
  return new MailteeError("tls", `no TLS with ${peer}: ${words}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function handshakeWords(text: string, role: TlsRole): { readonly words: string; readonly hint?: string } {
  if (NO_TLS.test(text)) return { words: "the other side doesn't speak TLS there", hint: NO_TLS_HINTS[role] };
  if (NO_COMMON_GROUND.test(text)) {
    return {
      words: "both sides have no version or cipher in common",
      hint: "mailtee speaks TLS 1.2 and 1.3; what offers less has to be updated.",
    };
  }
  const alert = ALERT.exec(text)?.[1];
  return { words: alert === undefined ? text : `the other side refused it (${alert})` };
}

/** Why a certificate isn't trusted, by OpenSSL's and Node's names for it. */
const DISTRUST: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "it was signed by an authority that isn't trusted here",
  UNABLE_TO_GET_ISSUER_CERT: "it was signed by an authority that isn't trusted here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "it was signed by an authority that isn't trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "it was signed by an authority that isn't trusted here",
  CERT_REVOKED: "it was revoked",
};
const OTHER_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

/**
 * A server that isn't trusted, as "tls".
 *
 * @param certificate what it showed, DER; null for nothing
 * @param reason OpenSSL's or Node's name for what is wrong
 */
export function distrust(
  { serverName, trust }: ClientTlsOptions,
  certificate: Uint8Array | null,
  reason: string,
): MailteeError {
  if (certificate === null) return new MailteeError("tls", `${serverName} showed no certificate`);
  const description = describeCertificate(certificate);
  const { names, sha256 } = description;
  if (trust.kind === "fingerprint") {
    return new MailteeError(
      "tls",
      `${serverName} shows another certificate than the one whose fingerprint is trusted`,
      { hint: `If that is meant, set trust.fingerprint to "sha256:${sha256}".` },
    );
  }
  const pin = `trust this one certificate with trust.fingerprint "sha256:${sha256}"`;
  const expiry = validityProblem(description, Date.now());
  if (expiry !== null) {
    return new MailteeError("tls", `the certificate of ${serverName} ${expiry}`, {
      hint: `Have it renewed and check this machine's clock, or ${pin}.`,
    });
  }
  if (reason === OTHER_NAME) {
    return new MailteeError(
      "tls",
      `the certificate of ${serverName} is for other names: ${names.join(", ") || "none at all"}`,
      { hint: `Use such a name as host, or ${pin}.` },
    );
  }
  return new MailteeError("tls", `the certificate of ${serverName} is not trusted: ${DISTRUST[reason] ?? reason}`, {
    hint: `Name the certificate of its authority in trust.caFile, or ${pin}.`,
  });
}
