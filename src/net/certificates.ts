import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { dirname } from "@std/path";
import { encodeUtf8 } from "../base/bytes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { MailteeError } from "../base/errors.ts";
import { ensureDirectory, fileError, removeIfThere, writeFileAtomic } from "../base/files.ts";
import { roomLogger } from "../base/log.ts";
import { describeCertificate, renewalProblem } from "./certificate_description.ts";
import type { ServerTlsOptions } from "./types.ts";

const CERTIFICATE_BEGINS = "-----BEGIN CERTIFICATE-----";
const KEY_BEGINS = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * Loads a certificate, with its chain, and its key. One that has expired or isn't valid yet is loaded too, since
 * clients that don't mind would otherwise lose their mail; the log says so.
 *
 * Rejects with MailteeError "io" where a file can't be read, "config" where one isn't PEM or the two don't fit together.
 */
export async function loadCertificate(
  certFile: string,
  keyFile: string,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<ServerTlsOptions> {
  const cert = await readText(certFile, "certificate");
  const key = await readText(keyFile, "key");
  const certificate = parseCertificate(cert, certFile);
  const privateKey = parseKey(key, keyFile);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new MailteeError("config", `the key ${keyFile} doesn't belong to the certificate ${certFile}`, {
      hint:
        "Name the key that the certificate was made for. In a file with a chain, the server's certificate comes first.",
    });
  }
  const problem = renewalProblem(describeCertificate(cert), clock.now());
  if (problem !== null) roomLogger("net").warn("the certificate {certFile} {problem}", { certFile, problem });
  return { cert, key };
}

/**
 * Loads the self-signed certificate; unless both its files are there, makes it first: for this machine's name, localhost
 * and `names` (host names and addresses). The key file is readable for this account alone.
 *
 * Rejects as `loadCertificate`, and with "disk-full" or "io" where the files can't be written.
 */
export async function ensureSelfSigned(
  files: CertificateFiles,
  options: { readonly names?: readonly string[]; readonly clock?: Clock } = {},
): Promise<ServerTlsOptions> {
  const { certFile, keyFile } = files;
  if (!isFile(certFile) || !isFile(keyFile)) {
    // Loaded only here: most starts don't need it.
    const { makeSelfSigned } = await import("./self_signed.ts");
    const { cert, key } = await makeSelfSigned(options.names ?? [], options.clock ?? systemClock);
    for (const file of [certFile, keyFile]) makeFolder(dirname(file));
    // With the certificate last, a stop in between leaves nothing that passes for a pair.
    removeIfThere(certFile);
    await writeFileAtomic(keyFile, encodeUtf8(key), { mode: 0o600 });
    await writeFileAtomic(certFile, encodeUtf8(cert), { mode: 0o644 });
    roomLogger("net").info("made a self-signed certificate: {certFile}", { certFile });
  }
  return await loadCertificate(certFile, keyFile, options.clock === undefined ? {} : { clock: options.clock });
}

function makeFolder(path: string): void {
  try {
    ensureDirectory(path, 0o700);
  } catch (error) {
    throw fileError(error, `create the folder ${path}`);
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw fileError(error, `read the ${what} ${path}`);
  }
}

function parseCertificate(pem: string, path: string): X509Certificate {
  if (!pem.includes(CERTIFICATE_BEGINS)) {
    throw new MailteeError("config", `${path} is not a certificate in PEM form`, {
      hint: KEY_BEGINS.test(pem)
        ? "It is a key; certFile and keyFile may have been swapped."
        : `A certificate in PEM form has the line ${CERTIFICATE_BEGINS}; convert others with openssl x509 -inform DER.`,
    });
  }
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new MailteeError("config", `the certificate in ${path} is damaged`, {
      cause: error,
      hint: "Copy the file again from where the certificate was issued.",
    });
  }
}

function parseKey(pem: string, path: string): KeyObject {
  if (pem.includes("ENCRYPTED")) {
    throw new MailteeError("config", `the key ${path} is protected by a passphrase`, {
      hint: "A service can't be asked for one: store the key without (openssl pkey), readable for this account alone.",
    });
  }
  if (!KEY_BEGINS.test(pem)) {
    throw new MailteeError("config", `${path} is not a private key in PEM form`, {
      hint: pem.includes(CERTIFICATE_BEGINS)
        ? "It is a certificate; certFile and keyFile may have been swapped."
        : "A key in PEM form has the line -----BEGIN PRIVATE KEY-----.",
    });
  }
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new MailteeError("config", `the private key in ${path} is damaged or of an unknown kind`, {
      cause: error,
      hint: "Use an RSA or ECDSA key in PEM form.",
    });
  }
}
