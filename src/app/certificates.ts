import type { ListenConfig, ResolvedConfig } from "../config/types.ts";
import { ensureSelfSigned, loadCertificate } from "../net/certificates.ts";
import type { ServerTlsOptions } from "../net/types.ts";

/**
 * Loads the certificates of all listeners; the self-signed one is made the first time that a listener needs it. Gives
 * a look-up that is undefined for listeners without TLS. Rejects with MailteeError "config" or "io".
 */
export async function loadServerCertificates(
  config: ResolvedConfig,
): Promise<(listen: ListenConfig) => ServerTlsOptions | undefined> {
  const loaded = new Map<string, ServerTlsOptions>();
  for (const { listen } of config.proxies) {
    for (const each of listen) {
      if (each.tls === "none" || loaded.has(certificateKey(each))) continue;
      const certificate = each.certificate === null
        ? await ensureSelfSigned(config.selfSigned, { names: listenedNames(config) })
        : await loadCertificate(each.certificate.certFile, each.certificate.keyFile);
      loaded.set(certificateKey(each), certificate);
    }
  }
  return (listen) => listen.tls === "none" ? undefined : loaded.get(certificateKey(listen));
}

/** The addresses that clients may connect to, as far as the config tells. */
function listenedNames({ proxies }: ResolvedConfig): string[] {
  const addresses = proxies.flatMap(({ listen }) => listen.map(({ address }) => address));
  return [...new Set(addresses)].filter((address) => address !== "0.0.0.0" && address !== "::");
}

function certificateKey({ certificate }: ListenConfig): string {
  return certificate === null ? "self-signed" : `${certificate.certFile}\n${certificate.keyFile}`;
}
