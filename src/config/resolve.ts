/** From the config as it is written to the config as it is used. */

import { resolve } from "@std/path";
import { errorText, hasCode } from "../base/errors.ts";
import type { Variables } from "./environment.ts";
import { type Mistake, type Path, pathText } from "./mistakes.ts";
import type { ParsedProxy } from "./proxy_schema.ts";
import type { ParsedProfile } from "./schema.ts";
import { Secret } from "./secret.ts";
import type {
  CommonProxyConfig,
  ListenConfig,
  ProfileConfig,
  ProxyConfig,
  TargetConfig,
  TrustConfig,
} from "./types.ts";

/** What resolving needs beside the document. */
export interface Surroundings {
  /** Folder that relative paths start from. */
  readonly directory: string;
  readonly variables: Variables;
  /** True where a secret that can't be read now is a mistake. */
  readonly secretsRequired: boolean;
  readonly report: (mistake: Mistake) => void;
}

type Kind = ParsedProxy["kind"];

const PORTS: Readonly<Record<Kind, { readonly clear: number; readonly implicit: number }>> = {
  smtp: { clear: 25, implicit: 465 },
  lmtp: { clear: 24, implicit: 465 },
  pop3: { clear: 110, implicit: 995 },
};

export function resolvePath(path: string, { directory }: Surroundings): string {
  return resolve(directory, path);
}

/** One proxy, called `name` where it has no name of its own. Reports a CA file or secret that can't be read. */
export function resolveProxy(
  parsed: ParsedProxy,
  at: { readonly path: Path; readonly name: string; readonly dropFolder: string },
  surroundings: Surroundings,
): ProxyConfig {
  const common: CommonProxyConfig = {
    name: parsed.name ?? at.name,
    dropFolder: parsed.dropFolder === undefined ? at.dropFolder : resolvePath(parsed.dropFolder, surroundings),
    listen: parsed.listen.map((listen) => resolveListen(parsed.kind, listen, surroundings)),
    target: resolveTarget(parsed, [...at.path, "target"], surroundings),
    allowFrom: parsed.allowFrom ?? ["private"],
    allowFromGiven: parsed.allowFrom !== undefined,
    onCaptureFailure: parsed.onCaptureFailure,
    requireTlsForAuth: parsed.requireTlsForAuth ?? ("clients" in parsed && parsed.clients !== undefined),
  };
  if (parsed.kind === "pop3") {
    const { kind, recapture, wholeMailTopLines, limits, timeouts } = parsed;
    return { kind, ...common, recapture, wholeMailTopLines, limits, timeouts };
  }
  const { kind, bareNewline, limits, timeouts, clients = null } = parsed;
  const clearTextLoginsFromHere = clients !== null && parsed.requireTlsForAuth === undefined;
  return {
    kind,
    ...common,
    clients,
    clearTextLoginsFromHere,
    bareNewline,
    limits: { ...limits, mailSize: limits.mailSize ?? null },
    timeouts,
  };
}

function defaultPort(kind: Kind, tls: ListenConfig["tls"]): number {
  return tls === "implicit" ? PORTS[kind].implicit : PORTS[kind].clear;
}

function resolveListen(kind: Kind, listen: ParsedProxy["listen"][number], surroundings: Surroundings): ListenConfig {
  const { address, tls, certificate, proxyProtocol } = listen;
  return {
    address,
    port: listen.port ?? defaultPort(kind, tls),
    tls,
    certificate: certificate === undefined ? null : {
      certFile: resolvePath(certificate.certFile, surroundings),
      keyFile: resolvePath(certificate.keyFile, surroundings),
    },
    proxyProtocolFrom: proxyProtocol?.from ?? null,
  };
}

function resolveTarget(parsed: ParsedProxy, path: Path, surroundings: Surroundings): TargetConfig {
  const { host, tls, trust, connectTimeoutSeconds } = parsed.target;
  const held = parsed.kind === "pop3" ? undefined : parsed.target.credentials;
  return {
    host,
    port: parsed.target.port ?? defaultPort(parsed.kind, tls),
    tls,
    trust: resolveTrust(trust, [...path, "trust"], surroundings),
    connectTimeoutSeconds,
    credentials: held === undefined ? null : {
      username: held.username,
      password: resolveSecret(held.password, [...path, "credentials", "password"], surroundings),
    },
    announceClient: parsed.target.announceClient ?? null,
  };
}

function resolveTrust(trust: ParsedProxy["target"]["trust"], path: Path, surroundings: Surroundings): TrustConfig {
  if (typeof trust === "string") return { kind: trust };
  if ("fingerprint" in trust) return { kind: "fingerprint", sha256: trust.fingerprint };
  const file = resolvePath(trust.caFile, surroundings);
  const mistake = (problem: string) => surroundings.report({ path: pathText([...path, "caFile"]), problem });
  try {
    const pem = Deno.readTextFileSync(file);
    if (!pem.includes("-----BEGIN CERTIFICATE-----")) mistake(`${file} holds no certificate in PEM form.`);
    return { kind: "ca", file, pem };
  } catch (error) {
    mistake(`${file} can't be read: ${errorText(error)}.`);
    return { kind: "ca", file, pem: "" };
  }
}

type WrittenSecret = string | { readonly env: string } | { readonly file: string };

function resolveSecret(written: WrittenSecret, path: Path, surroundings: Surroundings): Secret {
  const secret = secretOf(written, surroundings);
  if (surroundings.secretsRequired) {
    try {
      secret.reveal();
    } catch (error) {
      if (!hasCode(error, "config")) throw error;
      surroundings.report({ path: pathText(path), problem: error.message });
    }
  }
  return secret;
}

function secretOf(written: WrittenSecret, surroundings: Surroundings): Secret {
  if (typeof written === "string") return Secret.of(written);
  if ("env" in written) {
    const { variables } = surroundings;
    return new Secret({ kind: "env", name: written.env }, () => variables(written.env));
  }
  const path = resolvePath(written.file, surroundings);
  return new Secret({ kind: "file", path }, () => Deno.readTextFileSync(path).replace(/\r?\n$/, ""));
}

export function resolveProfile(
  name: string,
  parsed: ParsedProfile,
  dropFolder: string,
  surroundings: Surroundings,
): ProfileConfig {
  return {
    name,
    dropFolder: parsed.dropFolder === undefined ? dropFolder : resolvePath(parsed.dropFolder, surroundings),
    deleteArchived: parsed.deleteArchived,
    deleteUnassigned: parsed.deleteUnassigned,
    schedule: parsed.schedule ?? null,
    timeZone: parsed.timeZone ?? null,
  };
}
