import { createHash } from "node:crypto";
import { isIP } from "node:net";
import tls from "node:tls";
import { errorText, MailteeError } from "../base/errors.ts";
import { distrust } from "./tls_error.ts";
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
  // RFC 6066 section 3: neither addresses nor a trailing dot in SNI.
  const host = serverName.replace(/\.$/, "");
  return {
    host,
    servername: isIP(host) === 0 ? host : "",
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

/**
 * Mozilla's roots, those of NODE_EXTRA_CA_CERTS and those of the machine, which SSL_CERT_FILE may replace. Whoever has
 * chosen by DENO_TLS_CA_STORE gets the choice.
 */
function systemRoots(): string[] {
  const chosen = tls.getCACertificates("default");
  if (Deno.env.has("DENO_TLS_CA_STORE")) return chosen;
  return [...new Set([...chosen, ...tls.getCACertificates("system")])];
}

/** Throws MailteeError "tls" unless the peer of a finished handshake is one to trust. */
export function checkPeer(socket: tls.TLSSocket, options: ClientTlsOptions): void {
  const { trust } = options;
  if (trust.kind === "insecure") return;
  if (trust.kind !== "fingerprint" && socket.authorized) return;
  const certificate = peerCertificate(socket);
  if (trust.kind === "fingerprint" && certificate !== null && sha256(certificate) === trust.sha256) return;
  throw distrust(options, certificate, errorText(socket.authorizationError));
}

/** The peer's certificate, DER; null where it showed none. */
export function peerCertificate(socket: tls.TLSSocket): Uint8Array<ArrayBuffer> | null {
  const raw: Uint8Array | undefined = socket.getPeerCertificate().raw;
  return raw === undefined ? null : new Uint8Array(raw);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
