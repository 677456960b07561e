import { type ErrorCode, MailteeError } from "../base/errors.ts";

/** What the process ends with (docs: every command's `--help`). */
export const ExitCode = {
  done: 0,
  /** Done, but some mails could not be archived, or `check --strict` found warnings. */
  incomplete: 1,
  /** Usage or config error. */
  usage: 2,
  /** `verify` found damage. */
  damage: 3,
  /** A bug, or something nobody foresaw. */
  internal: 70,
  /** Try again later: a lock is held, a target can't be reached, the disk is full. */
  tryAgain: 75,
} as const;

export type ExitCode = typeof ExitCode[keyof typeof ExitCode];

const byErrorCode: Readonly<Record<ErrorCode, ExitCode>> = {
  "usage": ExitCode.usage,
  "config": ExitCode.usage,
  "malformed": ExitCode.usage,
  "not-found": ExitCode.usage,
  "limit": ExitCode.usage,
  "damaged": ExitCode.damage,
  "busy": ExitCode.tryAgain,
  "unreachable": ExitCode.tryAgain,
  "connection-lost": ExitCode.tryAgain,
  "timeout": ExitCode.tryAgain,
  "tls": ExitCode.tryAgain,
  "protocol": ExitCode.tryAgain,
  "disk-full": ExitCode.tryAgain,
  "io": ExitCode.tryAgain,
};

/** The exit code for whatever a command threw. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof MailteeError ? byErrorCode[error.code] : ExitCode.internal;
}
