import { isIP } from "node:net";
import { MailteeError } from "../../base/errors.ts";
import type { ListenConfig, ResolvedConfig } from "../../config/types.ts";
import { describeCertificate, renewalProblem } from "../../net/certificate_description.ts";
import { loadCertificate } from "../../net/certificates.ts";
import { failure, type Finding, note, warning } from "./findings.ts";

/** What `listenerFindings` has to know of the machine. */
export interface Machine {
  readonly now: number;
  /** The machine's own addresses. */
  readonly addresses: readonly string[];
  /** The lowest port that the calling user may listen on. */
  readonly firstFreePort: number;
}

/** This machine, for this user. */
export function thisMachine(now: number): Machine {
  return {
    now,
    addresses: Deno.networkInterfaces().map(({ address }) => address),
    firstFreePort: firstFreePort(),
  };
}

function firstFreePort(): number {
  if (Deno.build.os === "windows" || Deno.uid() === 0) return 0;
  if (Deno.build.os !== "linux") return DEFAULT_FIRST_FREE_PORT;
  try {
    return Number(Deno.readTextFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start"));
  } catch {
    return DEFAULT_FIRST_FREE_PORT; // not every system lets itself be asked
  }
}

const DEFAULT_FIRST_FREE_PORT = 1024;

/** What can be said of listeners: their certificates, addresses and ports. */
export async function listenerFindings(config: ResolvedConfig, machine: Machine): Promise<Finding[]> {
  const listeners = config.proxies.flatMap(({ name, listen }, index) =>
    listen.map((each, at) => ({ name, listen: each, where: `proxies[${index}].listen[${at}]` }))
  );
  const certificates = await Promise.all(
    listeners.map(({ name, listen, where }) => certificateFindings(name, listen, `${where}.certificate`, machine.now)),
  );
  return [
    ...certificates.flat(),
    ...selfSignedFindings(config),
    ...listeners.flatMap(({ name, listen, where }) => placeFindings(name, listen, where, machine)),
  ];
}

async function certificateFindings(name: string, listen: ListenConfig, where: string, now: number): Promise<Finding[]> {
  const { certificate, tls } = listen;
  if (certificate === null || tls === "none") return [];
  try {
    const { cert } = await loadCertificate(certificate.certFile, certificate.keyFile);
    const problem = renewalProblem(describeCertificate(cert), now);
    return problem === null
      ? []
      : [warning("certificate-time", where, `${name}: the certificate ${certificate.certFile} ${problem}.`)];
  } catch (error) {
    if (!(error instanceof MailteeError)) throw error;
    const hint = error.hint === undefined ? "" : ` ${error.hint}`;
    return [failure("certificate-unusable", where, `${name}: ${error.message}.${hint}`)];
  }
}

function selfSignedFindings({ proxies, selfSigned }: ResolvedConfig): Finding[] {
  const names = proxies
    .filter(({ listen }) => listen.some(({ tls, certificate }) => tls !== "none" && certificate === null))
    .map(({ name }) => name);
  if (names.length === 0) return [];
  const text =
    `${names.join(" and ")}: TLS with a self-signed certificate, ${selfSigned.certFile}, which clients don't ` +
    "know; install it there, or name one of your own in listen[].certificate.";
  return [note("self-signed-listener", "certificateFolder", text)];
}

function placeFindings(name: string, { address, port }: ListenConfig, where: string, machine: Machine): Finding[] {
  const findings: Finding[] = [];
  const own = ["0.0.0.0", "::", "localhost", ...machine.addresses].map(withoutZone);
  if (!own.includes(withoutZone(address)) && !/^127\./.test(address)) {
    findings.push(warning("foreign-address", where, `${name}: ${address} is no address of this machine.`));
  }
  if (port !== 0 && port < machine.firstFreePort) {
    const text = `${name}: port ${port} is open to root and to services with CAP_NET_BIND_SERVICE only, not to this ` +
      "user; see `mailtee service systemd`.";
    findings.push(note("low-port", where, text));
  }
  return findings;
}

/** One spelling for each address; a zone (`%eth0`) doesn't count. */
function withoutZone(address: string): string {
  const plain = address.replace(/%.*$/, "").toLowerCase();
  return isIP(plain) === 6 ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain;
}
