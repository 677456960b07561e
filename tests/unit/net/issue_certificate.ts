import "reflect-metadata";
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  type JsonGeneralName,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { ServerTlsOptions } from "../../../src/net/types.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export interface Issued extends ServerTlsOptions {
  readonly name: string;
  readonly keys: CryptoKeyPair;
}

/** A certificate for tests: signed by `issuer` or by itself, for `names`, the first of which is its subject. */
export async function issueCertificate(
  options: {
    readonly names: readonly string[];
    readonly issuer?: Issued;
    readonly ca?: boolean;
    readonly validFrom?: Date;
    readonly validTo?: Date;
  },
): Promise<Issued> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const name = `CN=${options.names[0]}`;
  const certificate = await X509CertificateGenerator.create({
    subject: name,
    issuer: options.issuer?.name ?? name,
    publicKey: keys.publicKey,
    signingKey: (options.issuer?.keys ?? keys).privateKey,
    signingAlgorithm: ALGORITHM,
    notBefore: options.validFrom ?? new Date(Date.now() - 60_000),
    notAfter: options.validTo ?? new Date(Date.now() + 86_400_000),
    extensions: [
      new BasicConstraintsExtension(options.ca ?? false, undefined, true),
      new SubjectAlternativeNameExtension(
        options.names.map((value): JsonGeneralName => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
      ),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    name,
    keys,
    cert: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(key, PemConverter.PrivateKeyTag)}\n`,
  };
}
