import type { ResolvedConfig } from "../../config/types.ts";
import type { CertificateDescription } from "../../net/certificate_description.ts";
import { localTime } from "../local_time.ts";
import { oneLine } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { effectiveConfig, effectiveYaml } from "./effective_config.ts";
import type { Finding } from "./findings.ts";
import type { UpcomingRuns } from "./schedules.ts";
import type { TargetReport } from "./target_probe.ts";

/** All that a check found out. */
export interface CheckReport {
  readonly config: ResolvedConfig;
  /** Null with --offline. */
  readonly targets: readonly TargetReport[] | null;
  readonly schedules: readonly UpcomingRuns[];
  readonly findings: readonly Finding[];
  /** When the check was made, in milliseconds since the Unix epoch. */
  readonly now: number;
}

const MS_PER_DAY = 86_400_000;

/** The report as one JSON document. */
export function reportJson({ config, targets, schedules, findings, now }: CheckReport): unknown {
  return {
    config: config.file,
    effective: effectiveConfig(config),
    targets: targets?.map((report) => ({
      proxy: report.proxy.name,
      host: report.proxy.target.host,
      port: report.proxy.target.port,
      reached: report.problem === null,
      problem: report.problem,
      address: report.address,
      tls: report.tls,
      certificate: report.certificate === null ? null : certificateJson(report.certificate, now),
      greeting: report.greeting,
      capabilities: report.capabilities,
      login: report.login,
      elapsedMs: Math.round(report.elapsedMs),
    })) ?? null,
    schedules: schedules.map(({ next, ...schedule }) => ({
      ...schedule,
      next: next.map((ms) => new Date(ms).toISOString()),
    })),
    findings,
  };
}

function certificateJson({ validFrom, validTo, ...certificate }: CertificateDescription, now: number): unknown {
  return {
    ...certificate,
    validFrom: validFrom.toISOString(),
    validTo: validTo.toISOString(),
    daysLeft: daysUntil(validTo, now),
  };
}

function daysUntil(date: Date, now: number): number {
  return Math.floor((date.getTime() - now) / MS_PER_DAY);
}

/** The report for people. */
export function printReport(report: CheckReport, terminal: Terminal): void {
  const { config, targets, schedules, findings, now } = report;
  const heading = (text: string) => terminal.print(`\n${terminal.style("bold", text)}`);
  terminal.print(`The config is ${config.file}.`);
  heading("In force, with defaults");
  terminal.print(indent(effectiveYaml(config)));
  if (targets !== null && targets.length > 0) {
    heading("Targets");
    for (const target of targets) terminal.print(indent(targetText(target, now, terminal)));
  }
  if (schedules.length > 0) {
    heading("Profiles");
    for (const schedule of schedules) terminal.print(indent(scheduleText(schedule)));
  }
  const parts = [["error", "Errors", "red"], ["warning", "Warnings", "yellow"], [
    "note",
    "Good to know",
    "dim",
  ]] as const;
  for (const [severity, title, colour] of parts) {
    const found = findings.filter((finding) => finding.severity === severity);
    if (found.length === 0) continue;
    heading(title);
    for (const { where, text } of found) terminal.print(`  ${terminal.style(colour, where)}: ${oneLine(text)}`);
  }
  terminal.print(`\n${summary(report)}`);
}

function targetText({ proxy, ...report }: TargetReport, now: number, terminal: Terminal): string {
  const { host, port } = proxy.target;
  const lines = [`${proxy.name}: ${host} port ${port}`];
  if (report.problem !== null) {
    lines.push(`  ${terminal.style("red", "no session")}: ${oneLine(report.problem)}`);
    if (report.hint !== undefined) lines.push(`  ${report.hint}`);
  }
  if (report.address !== null) {
    const tls = report.tls === null ? "in clear text" : `${report.tls.version}, ${report.tls.cipher}`;
    lines.push(`  ${report.address} answered, ${tls}, ${Math.round(report.elapsedMs)} ms: ${oneLine(report.greeting)}`);
  }
  if (report.certificate !== null) lines.push(...certificateLines(report.certificate, now));
  if (report.capabilities.length > 0) lines.push(`  offers ${report.capabilities.map(oneLine).join(", ")}`);
  if (report.login !== null) lines.push(`  login as ${proxy.target.credentials?.username ?? ""}: ${report.login}`);
  return lines.join("\n");
}

function certificateLines(certificate: CertificateDescription, now: number): string[] {
  const { subject, issuer, names, validTo, sha256, selfSigned } = certificate;
  const until = validTo.toISOString().slice(0, 10);
  const days = daysUntil(validTo, now);
  return [
    `  certificate: ${oneLine(subject)}, ${selfSigned ? "signed by itself" : `issued by ${oneLine(issuer)}`}`,
    `    for ${
      names.length === 0 ? "no names" : names.map(oneLine).join(", ")
    }; valid until ${until}, ${days} days more`,
    `    sha256:${sha256}`,
  ];
}

function scheduleText({ profile, schedule, timeZone, next }: UpcomingRuns): string {
  if (schedule === null) return `${profile}: only by hand, 'mailtee archive --profile ${profile}'`;
  const zone = timeZone === null ? "" : ` (schedule in ${timeZone}, times in this machine's zone)`;
  return `${profile}: next ${next.map(localTime).join(", ")}${zone}`;
}

function summary({ targets, findings }: CheckReport): string {
  const counts = (["error", "warning"] as const).map((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? undefined : `${count} ${severity}${count === 1 ? "" : "s"}`;
  });
  const unreached = (targets ?? []).filter(({ problem }) => problem !== null).length;
  if (unreached > 0) counts.push(`${unreached} of ${targets?.length} targets without a session`);
  const told = counts.filter((count) => count !== undefined);
  const offline = targets === null ? " Targets were not asked (--offline)." : "";
  return `${told.length === 0 ? "No errors, no warnings" : told.join(", ")}.${offline}`;
}

function indent(text: string): string {
  return text.trimEnd().split("\n").map((line) => `  ${line}`).join("\n");
}
