import { exposures } from "../../config/exposure.ts";
import type { ProxyConfig, ResolvedConfig } from "../../config/types.ts";
import type { TlsMode } from "../../net/types.ts";
import { isLoopback, isNear } from "./addresses.ts";
import { type Finding, note, warning } from "./findings.ts";

/** What can be said of the proxies without connecting to anything. */
export function proxyFindings(config: ResolvedConfig): Finding[] {
  return [
    ...exposures(config).map(({ where, sentence }) => warning("open-relay", where, sentence)),
    ...config.proxies.flatMap((proxy, index) => {
      const where = `proxies[${index}]`;
      return [
        ...portFindings(proxy, where),
        ...targetLoginFindings(proxy, `${where}.target`),
        ...clientLoginFindings(proxy, where),
        ...trustFindings(proxy, `${where}.target.trust`),
        ...captureFindings(proxy, `${where}.onCaptureFailure`),
      ];
    }),
  ];
}

function portFindings({ name, listen, target }: ProxyConfig, where: string): Finding[] {
  const listeners = listen.map(({ port, tls }, at) => ({
    port,
    tls,
    where: `${where}.listen[${at}]`,
    peer: "clients",
  }));
  return [...listeners, { port: target.port, tls: target.tls, where: `${where}.target`, peer: target.host }]
    .flatMap(({ port, tls, where, peer }) => {
      const fitting = fittingTls(port, tls);
      if (fitting === undefined) return [];
      const text =
        `${name}: tls "${tls}" doesn't fit port ${port}: there ${peer} and mailtee would wait for each other; ` +
        `set tls: "${fitting}".`;
      return [warning("port-tls", where, text)];
    });
}

/** Ports where sessions begin with TLS (RFC 8314), and ports where they begin in clear text. */
const IMPLICIT_PORTS: ReadonlySet<number> = new Set([465, 993, 995]);
const CLEAR_PORTS: ReadonlySet<number> = new Set([24, 25, 110, 143, 587]);

/** The mode that a port is for; undefined where the given one fits, or the port is for neither. */
function fittingTls(port: number, tls: TlsMode): TlsMode | undefined {
  if (IMPLICIT_PORTS.has(port) && tls !== "implicit") return "implicit";
  return CLEAR_PORTS.has(port) && tls === "implicit" ? "starttls" : undefined;
}

function targetLoginFindings({ kind, name, target }: ProxyConfig, where: string): Finding[] {
  if (target.tls !== "none" || isNear(target.host)) return [];
  if (target.credentials !== null) {
    const text = `${name} sends the password of ${target.credentials.username} to ${target.host} in clear text; set ` +
      "target.tls.";
    return [warning("clear-text-login", where, text)];
  }
  if (kind !== "pop3") return [];
  const text = `${name} passes passwords and mails between clients and ${target.host} in clear text; set target.tls.`;
  return [warning("clear-text-login", where, text)];
}

/** POP3 clients always log in; whether SMTP clients do, the target says. */
function clientLoginFindings(proxy: ProxyConfig, where: string): Finding[] {
  const { kind, name, listen } = proxy;
  if (kind === "pop3" || (proxy.clients !== null && !proxy.requireTlsForAuth)) {
    return clearTextLogins(name, listen, where);
  }
  return [];
}

function clearTextLogins(name: string, listen: ProxyConfig["listen"], where: string): Finding[] {
  return listen.flatMap(({ address, port, tls }, at) => {
    if (tls !== "none" || isLoopback(address)) return [];
    const text =
      `${name} takes passwords in clear text on ${address} port ${port}; set tls: "starttls", or "implicit" ` +
      "on a port for it.";
    return [warning("clear-text-login", `${where}.listen[${at}]`, text)];
  });
}

function trustFindings({ name, target }: ProxyConfig, where: string): Finding[] {
  if (target.trust.kind !== "insecure" || target.tls === "none") return [];
  const text =
    `${name} takes any certificate for ${target.host}, so that anybody on the way can read and change mails; ` +
    "pin the server's own with trust: { fingerprint }.";
  return [warning("insecure-trust", where, text)];
}

function captureFindings({ name, onCaptureFailure }: ProxyConfig, where: string): Finding[] {
  if (onCaptureFailure === "refuse") return [];
  return [note("pass-uncopied", where, `${name} lets mails pass without a copy while copies can't be written.`)];
}
