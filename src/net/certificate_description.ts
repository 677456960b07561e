import { X509Certificate } from "node:crypto";
import { MailteeError } from "../base/errors.ts";

const MS_PER_DAY = 86_400_000;
/** Renewals by ACME are due 30 days before the end; by then one has failed. */
const WARN_DAYS = 14;

/** What people want to know of a certificate. */
export interface CertificateDescription {
  /** "CN=mail.example.org, O=Example". */
  readonly subject: string;
  readonly issuer: string;
  readonly selfSigned: boolean;
  /** Host names and addresses that it is for. */
  readonly names: readonly string[];
  readonly validFrom: Date;
  readonly validTo: Date;
  /** SHA-256 of its DER form: 64 lower-case hex digits, as `TlsTrust` has it. */
  readonly sha256: string;
}

/** Describes a certificate, PEM (of several, the first) or DER. Throws MailteeError "malformed" where it isn't one. */
export function describeCertificate(certificate: string | Uint8Array): CertificateDescription {
  const parsed = parse(certificate);
  const [subject, issuer] = [oneLine(parsed.subject), oneLine(parsed.issuer)];
  return {
    subject,
    issuer,
    selfSigned: subject === issuer,
    names: alternativeNames(parsed.subjectAltName),
    validFrom: new Date(parsed.validFrom),
    validTo: new Date(parsed.validTo),
    sha256: parsed.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/** What is wrong with a certificate's time, as the end of a sentence ("has expired on …"); null where nothing is. */
export function validityProblem(
  { validFrom, validTo }: Pick<CertificateDescription, "validFrom" | "validTo">,
  now: number,
): string | null {
  if (now < validFrom.getTime()) return `is not valid before ${day(validFrom)}`;
  return now > validTo.getTime() ? `has expired on ${day(validTo)}` : null;
}

/** The same, and "expires on …" for one that should have been renewed by now. */
export function renewalProblem(
  validity: Pick<CertificateDescription, "validFrom" | "validTo">,
  now: number,
): string | null {
  const soon = now > validity.validTo.getTime() - WARN_DAYS * MS_PER_DAY;
  return validityProblem(validity, now) ?? (soon ? `expires on ${day(validity.validTo)}` : null);
}

function parse(certificate: string | Uint8Array): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch (error) {
    throw new MailteeError("malformed", "this is not an X.509 certificate", { cause: error });
  }
}

function oneLine(name: string): string {
  return name.trim().replaceAll("\n", ", ");
}

/** Node writes `DNS:a.example, IP Address:192.0.2.1`; values that could be mistaken for more are in quotes. */
function alternativeNames(text: string | undefined): string[] {
  const names = (text ?? "").matchAll(/(?:DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g);
  return Array.from(names, ([, name = ""]) => name);
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
