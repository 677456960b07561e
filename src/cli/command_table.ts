import type { Command } from "./command.ts";

/** A command as the table knows it: its module is loaded only when it is run or asked for help. */
export interface CommandEntry {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "init",
    usage: "init [DIR]",
    summary: "write proxy.config.ts, mailtee.d.ts and .env.example",
    load: () => import("./init.ts"),
  },
  {
    name: "check",
    usage: "check [CONFIG] [--offline]",
    summary: "validate the config, connect to every target, warn of what is risky",
    load: () => import("./check.ts"),
  },
  {
    name: "run",
    usage: "run [CONFIG]",
    summary: "all proxies and the scheduler, until SIGTERM or Ctrl-C",
    load: () => import("./run.ts"),
  },
  {
    name: "archive",
    usage: "archive --profile NAME",
    summary: "run one archive profile now, print the result protocol",
    load: () => import("./archive.ts"),
  },
  {
    name: "runs",
    usage: "runs [--profile NAME]",
    summary: "past runs of profiles, with counts and errors",
    load: () => import("./runs.ts"),
  },
  {
    name: "status",
    usage: "status",
    summary: "proxies, drop folder backlog, last runs, archive size",
    load: () => import("./status.ts"),
  },
  {
    name: "search",
    usage: "search QUERY...",
    summary: "find mails: words, from: to: subject: user: before: after: …",
    load: () => import("./search.ts"),
  },
  {
    name: "show",
    usage: "show ID [--raw|--report]",
    summary: "one mail, its exact bytes, or the report of its transmission",
    load: () => import("./show.ts"),
  },
  {
    name: "export",
    usage: "export QUERY... --to PATH",
    summary: "write found mails as eml files, an mbox or a zip",
    load: () => import("./export.ts"),
  },
  {
    name: "import",
    usage: "import PATH... --user NAME",
    summary: "take mails from .eml files, Maildirs, mboxes and journal reports",
    load: () => import("./import.ts"),
  },
  {
    name: "verify",
    usage: "verify",
    summary: "re-hash every mail and check the catalog",
    load: () => import("./verify.ts"),
  },
  {
    name: "demo",
    usage: "demo",
    summary: "the whole way on this machine, with a built-in mail server",
    load: () => import("./demo.ts"),
  },
  {
    name: "service",
    usage: "service [systemd|cron|schtasks|launchd]",
    summary: "print the unit or task for this installation",
    load: () => import("./service.ts"),
  },
  {
    name: "password",
    usage: "password",
    summary: "print the hash of a client's password, for the config",
    load: () => import("./password.ts"),
  },
  {
    name: "completions",
    usage: "completions bash|zsh|fish|pwsh",
    summary: "print completions for a shell",
    load: () => import("./completions.ts"),
  },
];

/** The overview that `mailtee --help` prints. */
export function overview(): string {
  const width = Math.max(...COMMANDS.map((entry) => entry.usage.length));
  return [
    "mailtee keeps a copy of every mail that passes: SMTP and POP3 proxies, a drop folder, an archive.",
    "",
    "Usage: mailtee COMMAND",
    "",
    ...COMMANDS.map((entry) => `  ${entry.usage.padEnd(width)}  ${entry.summary}`),
    "",
    "'mailtee COMMAND --help' tells more; 'mailtee --version' prints the version.",
    "Start with 'mailtee init'.",
    "",
  ].join("\n");
}
