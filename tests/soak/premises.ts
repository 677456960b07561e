/** The office's mailtee: its folders, its config, which is rewritten during the day, and its certificates. */

import { join } from "@std/path";
import { loadConfig } from "../../src/config/load.ts";
import type { ResolvedConfig } from "../../src/config/types.ts";
import { issueCertificate, type Issued } from "../unit/net/issue_certificate.ts";
import { EMPLOYEES } from "./day.ts";
import type { ProviderPorts } from "./provider.ts";

const VALID_MS = 365 * 24 * 3_600_000;
const NAMES = ["127.0.0.1", "127.0.0.2"];

export interface Premises {
  readonly folder: string;
  readonly drop: string;
  readonly archive: string;
  /** Whom the office's programs trust now, as PEM. */
  readonly ca: string;
  /** The config as it is written now. */
  config(): Promise<ResolvedConfig>;
  /** Writes another config: the proxies move to the other address, and have another certificate. */
  rearrange(): Promise<void>;
}

/** How often a profile empties the drop folder. */
export const COLLECT_EVERY_MINUTES = 10;

/** Writes all that `mailtee run` needs, in front of a provider that has a certificate of `providerCa`. */
export async function furnish(folder: string, ports: ProviderPorts, providerCa: string): Promise<Premises> {
  const certificate = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
  const caFile = join(folder, "provider.pem");
  await Deno.writeTextFile(caFile, providerCa);
  const validTo = new Date(Date.now() + VALID_MS);
  let arrangement = 0;
  let ca = "";
  const write = async () => {
    const issuer = await issueCertificate({ names: [`Office ${arrangement}`], ca: true, validTo });
    const issued = await issueCertificate({ names: NAMES, issuer, validTo });
    await Deno.writeTextFile(certificate.certFile, issued.cert);
    await Deno.writeTextFile(certificate.keyFile, issued.key);
    ca = issuer.cert;
    const address = NAMES[arrangement % NAMES.length] ?? "127.0.0.1";
    const document = configDocument({ address, ports, certificate, caFile, errors: 20 + arrangement });
    await Deno.writeTextFile(join(folder, "proxy.config.yaml"), JSON.stringify(document, null, 2));
  };
  await write();
  return {
    folder,
    drop: join(folder, "drop"),
    archive: join(folder, "archive"),
    get ca() {
      return ca;
    },
    config: () => loadConfig(join(folder, "proxy.config.yaml"), { secrets: "required" }),
    rearrange: async () => {
      arrangement++;
      await write();
    },
  };
}

/** A certificate for the provider, and its issuer. */
export async function providerCertificate(): Promise<{ readonly certificate: Issued; readonly ca: string }> {
  const issuer = await issueCertificate({ names: ["Provider"], ca: true });
  return { certificate: await issueCertificate({ names: ["127.0.0.1"], issuer }), ca: issuer.cert };
}

interface Arrangement {
  readonly address: string;
  readonly ports: ProviderPorts;
  readonly certificate: { readonly certFile: string; readonly keyFile: string };
  readonly caFile: string;
  readonly errors: number;
}

/** Two proxies of each kind; one of them has a target in clear text, the other one by TLS. */
function configDocument({ address, ports, certificate, caFile, errors }: Arrangement) {
  const listen = (["none", "starttls", "implicit"] as const).map((tls) => ({ address, port: 0, tls, certificate }));
  const clear = (port: number) => ({ host: "127.0.0.1", port, tls: "none" });
  const secure = (port: number) => ({ host: "127.0.0.1", port, tls: "implicit", trust: { caFile } });
  const limits = { errors };
  const profile = { dropFolder: "./drop", deleteArchived: true, timeZone: "UTC" };
  return {
    dropFolder: "./drop",
    drainSeconds: 5,
    proxies: [
      { kind: "smtp", name: "smtp clear", listen, target: clear(ports.smtp), limits },
      { kind: "smtp", name: "smtp secure", listen, target: secure(ports.smtpTls), limits },
      { kind: "pop3", name: "pop3 clear", listen, target: clear(ports.pop3), limits, recapture: "never" },
      { kind: "pop3", name: "pop3 secure", listen, target: secure(ports.pop3Tls), limits, recapture: "never" },
    ],
    archive: {
      path: "./archive",
      users: [
        ...EMPLOYEES.map((name) => ({ name, addresses: [`${name}@company.example`], pop3Users: [name] })),
        { name: "customers", addresses: ["*@other.example"] },
      ],
    },
    profiles: {
      collect: { ...profile, schedule: `*/${COLLECT_EVERY_MINUTES} * * * *` },
      nightly: { ...profile, schedule: "0 2 * * *" },
    },
  };
}
