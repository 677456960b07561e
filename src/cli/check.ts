import { loadConfig } from "../config/load.ts";
import type { ResolvedConfig } from "../config/types.ts";
import { archiveFindings } from "./check/archive_findings.ts";
import { folderFindings } from "./check/folder_findings.ts";
import { listenerFindings, thisMachine } from "./check/listener_findings.ts";
import { proxyFindings } from "./check/proxy_findings.ts";
import { type CheckReport, printReport, reportJson } from "./check/report.ts";
import { upcomingRuns } from "./check/schedules.ts";
import { secretFindings } from "./check/secret_findings.ts";
import { targetFindings } from "./check/target_findings.ts";
import { probeTarget, type TargetReport } from "./check/target_probe.ts";
import type { Command, Invocation } from "./command.ts";
import { ExitCode } from "./exit_code.ts";

export const command: Command = {
  name: "check",
  operands: "[CONFIG]",
  operandCount: [0, 1],
  summary: "Validates the config, connects to every target, and warns of what is risky.",
  description: `Prints the config as it is in force, with its defaults and without secrets. Logs in at
targets whose credentials the config holds. Tries out the drop folder and the archive
by writing a small file and taking it away again. Exit codes: 0, also with warnings;
1 with --strict and warnings; 2 with an error; 75 where a target gives no session.`,
  options: {
    offline: { doc: "don't connect to targets" },
    strict: { doc: "exit code 1 where there are warnings" },
  },
  run: check,
};

async function check(invocation: Invocation): Promise<ExitCode> {
  const { operands, options, terminal, clock } = invocation;
  const config = await loadConfig(operands[0] ?? options.value("config"), { secrets: "required" });
  const now = clock.now();
  const targets = options.flag("offline") ? null : await probeTargets(config, invocation);
  const findings = [
    ...proxyFindings(config),
    ...await listenerFindings(config, thisMachine(now)),
    ...(targets ?? []).flatMap((target) => targetFindings(target, now)),
    ...await secretFindings(config),
    ...await folderFindings(config),
    ...archiveFindings(config),
  ];
  const schedules = Object.values(config.profiles).map((profile) => upcomingRuns(profile, now));
  const report: CheckReport = { config, targets, schedules, findings, now };
  if (terminal.wantsJson) terminal.json(reportJson(report));
  else printReport(report, terminal);
  return exitCode(report, options.flag("strict"));
}

async function probeTargets(config: ResolvedConfig, { terminal, clock, signal }: Invocation): Promise<TargetReport[]> {
  const progress = terminal.progress("asking targets", config.proxies.length);
  let done = 0;
  try {
    return await Promise.all(config.proxies.map(async (proxy, index) => {
      const report = await probeTarget(proxy, `proxies[${index}].target`, { clock, signal });
      progress.update(++done, proxy.name);
      return report;
    }));
  } finally {
    progress.end();
  }
}

function exitCode({ findings, targets }: CheckReport, strict: boolean): ExitCode {
  if (findings.some(({ severity }) => severity === "error")) return ExitCode.usage;
  if (targets?.some(({ problem }) => problem !== null)) return ExitCode.tryAgain;
  return strict && findings.some(({ severity }) => severity === "warning") ? ExitCode.incomplete : ExitCode.done;
}
