/** What starts mailtee with the system, as text: a systemd unit, cron lines, a Task Scheduler script, a launchd job. */

import { dirname } from "@std/path";
import type { ResolvedConfig } from "../config/types.ts";

export const SERVICE_KINDS = ["systemd", "cron", "schtasks", "launchd"] as const;
export type ServiceKind = typeof SERVICE_KINDS[number];

/** What a service file depends on. */
export interface Installation {
  /** Program and first arguments: `["/usr/local/bin/mailtee"]`, or Deno with what it takes to run from source. */
  readonly program: readonly string[];
  readonly config: ResolvedConfig;
  /** The system user that mailtee runs as. */
  readonly user: string;
}

/** A service file, where it belongs, and what to do with it. */
export interface ServiceFile {
  readonly path: string;
  readonly text: string;
  /** Commands that put it into force. */
  readonly activation: readonly string[];
}

export function serviceFile(kind: ServiceKind, installation: Installation): ServiceFile {
  switch (kind) {
    case "systemd":
      return systemdUnit(installation);
    case "cron":
      return cronTable(installation);
    case "schtasks":
      return taskScript(installation);
    case "launchd":
      return launchdJob(installation);
  }
}

/** Seconds beyond `drainSeconds` that a stop may take before the system ends the process. */
const STOP_MARGIN_SECONDS = 30;

function systemdUnit({ program, config, user }: Installation): ServiceFile {
  const path = "/etc/systemd/system/mailtee.service";
  const folders = writtenFolders(config);
  return {
    path,
    text: `# mailtee under systemd. The folders below have to be there, and to be ${user}'s:
${
      folders.map((folder) => `#   install -d -m 0700 -o ${user} ${shellQuote(folder)}\n`).join("")
    }# The config and its .env have to be readable for ${user}.

[Unit]
Description=mailtee, mail archiving proxy
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User=${user}
ExecStart=${[...program, "run", config.file].map(systemdQuote).join(" ")}
ExecReload=/bin/kill -HUP $MAINPID
WorkingDirectory=${config.directory.replaceAll("%", "%%")}
Restart=on-failure
RestartSec=5
# 2: the config is wrong, and starting again doesn't mend it.
RestartPreventExitStatus=2
TimeoutStopSec=${config.drainSeconds + STOP_MARGIN_SECONDS}
LimitNOFILE=65536
UMask=0077

# Ports below 1024 without being root.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE

# Nothing of the system can be changed but these folders.
ProtectSystem=strict
ReadWritePaths=${folders.map(systemdQuote).join(" ")}
NoNewPrivileges=true
PrivateDevices=true
PrivateTmp=${
      folders.concat(config.directory).some((folder) => /^\/(var\/)?tmp\//.test(`${folder}/`)) ? "false" : "true"
    }
ProtectHome=${
      folders.concat(config.directory, program).some((each) => /^\/(home|root|run\/user)\//.test(`${each}/`))
        ? "false"
        : "true"
    }
ProtectClock=true
ProtectControlGroups=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
`,
    activation: [
      "systemctl daemon-reload",
      "systemctl enable --now mailtee",
      "systemctl reload mailtee   # after a change of the config",
    ],
  };
}

function cronTable({ program, config, user }: Installation): ServiceFile {
  const lines = Object.values(config.profiles).map(({ name, schedule }) => {
    const command = [...program, "archive", "--profile", name, "--config", config.file].map(shellQuote).join(" ");
    return `${cronFields(schedule)} ${user} ${command.replaceAll("%", "\\%")}\n`;
  });
  return {
    path: "/etc/cron.d/mailtee",
    text:
      `# mailtee's profiles by cron, for /etc/cron.d. In a table of one user (crontab -e) leave ${user} out of the lines.
# Take \`schedule\` out of the profiles then, so that a running mailtee doesn't run them too. Exit codes: 0 all archived,
# 1 some mails were not, 75 try again later (another run of the profile is under way). Mail from cron has the details.
${lines.join("")}`,
    activation: [],
  };
}

const NIGHTLY = "0 2 * * *";

/** Cron knows five fields; without a schedule, every night at two. */
function cronFields(schedule: string | null): string {
  const fields = (schedule ?? NIGHTLY).trim().split(/\s+/);
  return fields.length === 6 ? fields.slice(1).join(" ") : fields.length === 5 ? fields.join(" ") : NIGHTLY;
}

function taskScript({ program, config }: Installation): ServiceFile {
  const [executable = "", ...first] = program;
  const argument = [...first, "run", config.file].map(windowsQuote).join(" ");
  return {
    path: `${config.directory}\\mailtee-task.ps1`,
    text: `# mailtee under the Windows Task Scheduler: starts with the system, without a time limit, again when it ends.
# Run this in a PowerShell with administrator rights. LOCAL SERVICE needs the right to change these folders:
${
      writtenFolders(config).map((folder) => `#   icacls ${windowsQuote(folder)} /grant "*S-1-5-19:(OI)(CI)M"\n`).join(
        "",
      )
    }$action = New-ScheduledTaskAction -Execute ${powerShellQuote(executable)} -Argument ${powerShellQuote(argument)} \`
  -WorkingDirectory ${powerShellQuote(config.directory)}
$trigger = New-ScheduledTaskTrigger -AtStartup
$principal = New-ScheduledTaskPrincipal -UserId 'S-1-5-19' -LogonType ServiceAccount
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) -RestartCount 999 \`
  -RestartInterval (New-TimeSpan -Minutes 1) -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
Register-ScheduledTask -TaskName 'mailtee' -Action $action -Trigger $trigger -Principal $principal -Settings $settings -Force
Start-ScheduledTask -TaskName 'mailtee'
`,
    activation: [`powershell -ExecutionPolicy Bypass -File ${windowsQuote(`${config.directory}\\mailtee-task.ps1`)}`],
  };
}

function launchdJob({ program, config, user }: Installation): ServiceFile {
  const path = "/Library/LaunchDaemons/mailtee.plist";
  const strings = [...program, "run", config.file].map((argument) => `    <string>${xmlText(argument)}</string>\n`);
  return {
    path,
    text: `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>mailtee</string>
  <key>ProgramArguments</key>
  <array>
${strings.join("")}  </array>
  <key>UserName</key>
  <string>${xmlText(user)}</string>
  <key>WorkingDirectory</key>
  <string>${xmlText(config.directory)}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ExitTimeOut</key>
  <integer>${config.drainSeconds + STOP_MARGIN_SECONDS}</integer>
  <key>Umask</key>
  <integer>${0o077}</integer>
  <key>StandardErrorPath</key>
  <string>/Library/Logs/mailtee.log</string>
</dict>
</plist>
`,
    activation: [`launchctl bootstrap system ${path}`],
  };
}

/** The folders that `mailtee run` writes into, each once. */
function writtenFolders(config: ResolvedConfig): readonly string[] {
  const folders = [
    config.dropFolder,
    ...config.proxies.map((proxy) => proxy.dropFolder),
    ...Object.values(config.profiles).map((profile) => profile.dropFolder),
    ...config.archive === null ? [] : [config.archive.path],
    ...needsSelfSigned(config) ? [dirname(config.selfSigned.certFile)] : [],
    // Where a running program leaves word for `mailtee status`.
    config.directory,
  ];
  return [...new Set(folders)];
}

function needsSelfSigned(config: ResolvedConfig): boolean {
  return config.proxies.some(({ listen }) =>
    listen.some(({ tls, certificate }) => tls !== "none" && certificate === null)
  );
}

/** For systemd's command lines and lists of paths, where % and $ have a meaning of their own. */
function systemdQuote(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\;]/.test(text) ? `"${escaped}"` : escaped;
}

function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** For a Windows command line; a path can't hold a quote there. */
function windowsQuote(text: string): string {
  return /\s/.test(text) ? `"${text}"` : text;
}

function powerShellQuote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function xmlText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
