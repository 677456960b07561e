import { renewalProblem } from "../../net/certificate_description.ts";
import { isLoopback, isNear } from "./addresses.ts";
import { type Finding, warning } from "./findings.ts";
import type { TargetReport } from "./target_probe.ts";

/** What a person should know about a target that was reached. */
export function targetFindings(report: TargetReport, now: number): Finding[] {
  return [...certificateFindings(report, now), ...offerFindings(report)];
}

function certificateFindings({ proxy, where, certificate }: TargetReport, now: number): Finding[] {
  if (certificate === null) return [];
  const { host, trust } = proxy.target;
  const findings: Finding[] = [];
  const problem = renewalProblem(certificate, now);
  if (problem !== null) {
    findings.push(warning("certificate-time", where, `${proxy.name}: the certificate of ${host} ${problem}.`));
  }
  if (certificate.selfSigned && (trust.kind === "system" || trust.kind === "insecure")) {
    const text = `${proxy.name}: the certificate of ${host} is signed by itself; trust: { fingerprint: ` +
      `"sha256:${certificate.sha256}" } pins it.`;
    findings.push(warning("self-signed", where, text));
  }
  return findings;
}

function offerFindings({ proxy, where, capabilities, problem, address }: TargetReport): Finding[] {
  if (problem !== null) return [];
  const { name, kind, target } = proxy;
  const offers = (keyword: string) => capabilities.some((line) => line.split(/[ =]/, 1)[0]?.toUpperCase() === keyword);
  const findings: Finding[] = [];
  const starttls = kind === "pop3" ? "STLS" : "STARTTLS";
  if (target.tls === "none" && offers(starttls) && address !== null && !isNear(address)) {
    const text =
      `${name}: ${target.host} offers ${starttls}, but target.tls is "none", so that mails go there in clear ` +
      'text; set tls: "starttls".';
    findings.push(warning("unused-tls", where, text));
  }
  const passesLogins = kind !== "pop3" && target.credentials === null && proxy.clients === null;
  if (passesLogins && !proxy.requireTlsForAuth && offers("AUTH")) {
    for (const { address, port, tls } of proxy.listen) {
      if (tls !== "none" || isLoopback(address)) continue;
      const text =
        `${name} takes passwords in clear text on ${address} port ${port}, since ${target.host} offers AUTH ` +
        'and tls is "none" there; set tls: "starttls" and requireTlsForAuth: true.';
      findings.push(warning("clear-text-login", where, text));
    }
  }
  return findings;
}
