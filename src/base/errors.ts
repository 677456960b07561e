/**
 * What can go wrong for reasons outside the program, as stable codes to `switch` on.
 * Everything else (a TypeError, a failed assertion) is a bug and ends as exit code 70.
 */
export type ErrorCode =
  /** The command line is wrong. */
  | "usage"
  /** The config is wrong. */
  | "config"
  /** A target can't be reached: DNS, refused, unreachable, timed out while connecting. */
  | "unreachable"
  /** Another process holds a lock. */
  | "busy"
  /** A peer closed or reset the connection where more was due. */
  | "connection-lost"
  /** A peer took longer than a time limit allows. */
  | "timeout"
  /** A TLS handshake failed, or the certificate isn't trusted. */
  | "tls"
  /** A peer broke its protocol. */
  | "protocol"
  /** A line, a header, a mail or a count is over its limit. */
  | "limit"
  /** The disk is full or the quota used up. */
  | "disk-full"
  /** Reading or writing files failed for another reason. */
  | "io"
  /** Stored data isn't what was stored. */
  | "damaged"
  /** A file isn't what it has to be (a capture, a config, a mail). */
  | "malformed"
  /** What was asked for isn't there. */
  | "not-found";

/** An expected failure: what happened and where in `message`, what to do next in `hint`. */
export class MailteeError extends Error {
  override readonly name = "MailteeError";
  readonly code: ErrorCode;
  /** One sentence: what to do next. */
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; hint?: string } = {},
  ) {
    super(
      message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.hint = options.hint;
  }
}

/** The text of anything that was thrown, on one line. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s*[\r\n]+\s*/g, " ");
}

/** True for an expected failure with one of these codes. */
export function hasCode(
  error: unknown,
  ...codes: readonly ErrorCode[]
): error is MailteeError {
  return error instanceof MailteeError && codes.includes(error.code);
}
