import { isIP } from "node:net";
import tls from "node:tls";
import { errorText, MailteeError } from "../base/errors.ts";
import type { ClientTlsOptions, ServerTlsOptions, TlsTrust } from "./types.ts";

const MIN_VERSION = "TLSv1.2";

/** Contexts by the options they were made from: parsing keys and roots costs more than a handshake. */
const serverContexts = new WeakMap<ServerTlsOptions, tls.SecureContext>();
const clientContexts = new Map<string, tls.SecureContext>();

/** The context of a listener. Throws MailteeError "tls" where certificate and key can't be used. */
export function serverContext(options: ServerTlsOptions): tls.SecureContext {
  let context = serverContexts.get(options);
  if (context === undefined) {
    try {
      context = tls.createSecureContext({ cert: options.cert, key: options.key, minVersion: MIN_VERSION });
    } catch (error) {
      throw new MailteeError("tls", `the certificate or its key can't be used: ${errorText(error)}`, { cause: error });
    }
    serverContexts.set(options, context);
  }
  return context;
}

/** What `tls.connect` is told. Whether the peer is trusted is decided by `checkPeer`, after the handshake. */
export function clientOptions({ serverName, trust }: ClientTlsOptions): tls.ConnectionOptions {
  return {
    host: serverName,
    // RFC 6066 section 3: no addresses in SNI.
    servername: isIP(serverName) === 0 ? serverName : "",
    secureContext: clientContext(trust),
    minVersion: MIN_VERSION,
    rejectUnauthorized: false,
  };
}

function clientContext(trust: TlsTrust): tls.SecureContext {
  const ca = trust.kind === "ca" ? trust.pem : "";
  let context = clientContexts.get(ca);
  if (context === undefined) {
    context = tls.createSecureContext({ minVersion: MIN_VERSION, ca: ca === "" ? systemRoots() : ca });
    clientContexts.set(ca, context);
  }
  return context;
}

function systemRoots(): string[] {
  return [...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")])];
}

/** Throws MailteeError "tls" unless the peer of a finished handshake is one to trust. */
export function checkPeer(socket: tls.TLSSocket, { serverName, trust }: ClientTlsOptions): void {
  if (trust.kind === "insecure") return;
  const fingerprint = socket.getPeerCertificate().fingerprint256?.replaceAll(":", "").toLowerCase() ?? "";
  if (trust.kind === "fingerprint") {
    if (fingerprint === trust.sha256) return;
    throw new MailteeError("tls", `${serverName} has another certificate than the one that is pinned`, {
      hint: `Its certificate now has the fingerprint sha256:${fingerprint}; pin that one if the change is meant.`,
    });
  }
  if (socket.authorized) return;
  throw new MailteeError(
    "tls",
    `the certificate of ${serverName} is not trusted: ${errorText(socket.authorizationError)}`,
    {
      hint:
        `Name the CA that signed it with trust.caFile, or pin this certificate with trust.fingerprint "sha256:${fingerprint}".`,
    },
  );
}
