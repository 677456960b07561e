import "reflect-metadata";
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Clock } from "../base/clock.ts";
import type { ServerTlsOptions } from "./types.ts";

const MS_PER_DAY = 86_400_000;
/**
 * Clients are told once to trust this very certificate, and nobody renews it: it should outlive the machine. The rules
 * on short lives are for certificates of public authorities.
 */
const VALID_DAYS = 3650;
/** For clients whose clock is behind. */
const BACKDATED_DAYS = 1;
const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const MAX_COMMON_NAME = 64; // RFC 5280, ub-common-name
const ALWAYS = ["localhost", "127.0.0.1", "::1"];

/** Makes a key (ECDSA P-256) and a certificate for this machine's name, localhost and `names`, signed by itself. */
export async function makeSelfSigned(names: readonly string[], clock: Clock): Promise<ServerTlsOptions> {
  const keys = await crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
  const host = Deno.hostname();
  const all = new Set([host, ...ALWAYS, ...names].filter((name) => /^[!-~]+$/.test(name)));
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [(host || "mailtee").slice(0, MAX_COMMON_NAME)] }],
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    notBefore: new Date(clock.now() - BACKDATED_DAYS * MS_PER_DAY),
    notAfter: new Date(clock.now() + VALID_DAYS * MS_PER_DAY),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        Array.from(all, (value): JsonGeneralName => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
      ),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    cert: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(key, PemConverter.PrivateKeyTag)}\n`,
  };
}
