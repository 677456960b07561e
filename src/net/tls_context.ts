import { createHash } from "node:crypto";
import { isIP } from "node:net";
import tls from "node:tls";
import { errorText, MailteeError } from "../base/errors.ts";
import { distrust } from "./tls_error.ts";
import type { ClientTlsOptions, ServerTlsOptions, TlsTrust } from "./types.ts";

const MIN_VERSION = "TLSv1.2";

/** Contexts by the options they were made from. */
const serverContexts = new WeakMap<ServerTlsOptions, tls.SecureContext>();
/** Contexts by the PEM of the roots, or by the kind of trust that has no roots of its own. */
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
  const key = trust.kind === "ca" ? trust.pem : trust.kind;
  let context = clientContexts.get(key);
  if (context === undefined) {
    context = tls.createSecureContext({ minVersion: MIN_VERSION, ...rootsFor(trust) });
    clientContexts.set(key, context);
  }
  return context;
}

/**
 * The roots of a context. Deno parses them anew for each connection, which takes longer than the rest of its handshake
 * (4 ms of CPU for 300 roots), so there are no more than are needed.
 */
function rootsFor(trust: TlsTrust): { readonly ca?: string | string[] } {
  switch (trust.kind) {
    case "ca":
      return { ca: trust.pem };
    case "system":
      return systemRoots();
    default:
      return { ca: [] };
  }
}

/**
 * Mozilla's roots, those of NODE_EXTRA_CA_CERTS and those of the machine, which SSL_CERT_FILE may replace; none named,
 * which is to say Deno's own, where the machine adds none to them. Whoever has chosen by DENO_TLS_CA_STORE gets the
 * choice.
 */
function systemRoots(): { readonly ca?: string[] } {
  if (Deno.env.has("DENO_TLS_CA_STORE")) return {};
  // The same certificate can be wrapped in lines of another length.
  const byContent = (pems: readonly string[]) => new Map(pems.map((pem) => [pem.replaceAll(/\s/g, ""), pem]));
  const own = byContent(tls.getCACertificates("default"));
  const all = new Map([...byContent(tls.getCACertificates("system")), ...own]);
  return all.size === own.size ? {} : { ca: [...all.values()] };
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
