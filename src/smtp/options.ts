/** What an SMTP or LMTP proxy can be told, with the defaults. */

import type { ListenOptions, TargetOptions } from "../net/types.ts";
import type { ClientLogin } from "./login_gate.ts";

/** A login that the proxy holds for the target. The password is asked for when it is needed, and not kept. */
export interface HeldCredentials {
  readonly username: string;
  readonly password: { reveal(): string };
}

export type AnnounceClient = "xclient" | "xforward" | "proxy";

export interface SmtpLimits {
  /** Open connections in all. @default 1000 */
  readonly maxConnections: number;
  /** Open connections from one address. @default 100 */
  readonly maxConnectionsPerAddress: number;
  /** A command line with its CRLF; RFC 5321 section 4.5.3.1.4 asks for 512 and what extensions add. @default 4096 */
  readonly maxLineBytes: number;
  /** A line of an AUTH exchange; RFC 4954 section 4 asks for 12288. @default 12288 */
  readonly maxAuthLineBytes: number;
  /** Recipients asked for in one mail, accepted or not. @default 1000 */
  readonly maxRecipients: number;
  /** Octets of one mail; null leaves it to the target. @default null */
  readonly maxMailBytes: number | null;
  /** Commands of a session that the proxy refuses, and failed logins, until the session is ended. @default 20 */
  readonly maxErrors: number;
}

/** Time limits in milliseconds, from RFC 5321 section 4.5.3.2. */
export interface SmtpTimeouts {
  /** The client's next whole command line. @default 300000 */
  readonly clientMs: number;
  /** The target's greeting, and its reply to a command. @default 300000 */
  readonly targetMs: number;
  /** The target's reply to DATA. @default 120000 */
  readonly dataStartMs: number;
  /** The next 128 octets of a mail from the client, and the target's taking it. @default 180000 */
  readonly dataMs: number;
  /** The target's answer to the end of a mail. @default 600000 */
  readonly dataEndMs: number;
  /** How long a client may go on sending a mail that was refused already. @default 300000 */
  readonly drainMs: number;
}

export interface SmtpProxyOptions {
  /** For reports and logs. */
  readonly name: string;
  /** LMTP (RFC 2033): one answer per recipient after the mail. @default "smtp" */
  readonly kind?: "smtp" | "lmtp";
  readonly listen: readonly ListenOptions[];
  readonly target: TargetOptions;
  /** With these, the proxy logs in at the target, and clients can't. */
  readonly credentials?: HeldCredentials;
  /**
   * How the target, which has to trust the proxy, hears who the client is: by XCLIENT, by XFORWARD before each mail, or
   * by a PROXY header before all else. Null: not at all. @default null
   */
  readonly announceClient?: AnnounceClient | null;
  /** Who may connect, as `parseAddressList` takes it. Empty: everyone. @default [] */
  readonly allowFrom?: readonly string[];
  /** "refuse": no copy, no delivery. "pass": deliver without a copy, and log it at error. @default "refuse" */
  readonly onCaptureFailure?: "refuse" | "pass";
  /** A CR or LF that isn't part of CRLF: becomes CRLF for the target and the copy alike, or ends in 550. @default "normalize" */
  readonly bareNewline?: "normalize" | "reject";
  /** Clients that the proxy lets in by its own AUTH, and nobody else. Null: logins are the target's. @default null */
  readonly clients?: readonly ClientLogin[] | null;
  /**
   * Clients may log in only under TLS. "from-elsewhere": those on this machine in clear text too. @default false
   */
  readonly requireTlsForAuth?: boolean | "from-elsewhere";
  readonly limits?: Partial<SmtpLimits>;
  readonly timeouts?: Partial<SmtpTimeouts>;
}

/** Options with nothing left open. */
export interface ResolvedSmtpOptions extends Required<Omit<SmtpProxyOptions, "credentials" | "limits" | "timeouts">> {
  readonly credentials: HeldCredentials | null;
  readonly limits: SmtpLimits;
  readonly timeouts: SmtpTimeouts;
}

export const defaultSmtpLimits: SmtpLimits = {
  maxConnections: 1000,
  maxConnectionsPerAddress: 100,
  maxLineBytes: 4096,
  maxAuthLineBytes: 12_288,
  maxRecipients: 1000,
  maxMailBytes: null,
  maxErrors: 20,
};

export const defaultSmtpTimeouts: SmtpTimeouts = {
  clientMs: 300_000,
  targetMs: 300_000,
  dataStartMs: 120_000,
  dataMs: 180_000,
  dataEndMs: 600_000,
  drainMs: 300_000,
};

/** Fills in the defaults. */
export function resolveSmtpOptions(options: SmtpProxyOptions): ResolvedSmtpOptions {
  return {
    kind: "smtp",
    announceClient: null,
    allowFrom: [],
    onCaptureFailure: "refuse",
    bareNewline: "normalize",
    clients: null,
    requireTlsForAuth: false,
    ...options,
    credentials: options.credentials ?? null,
    limits: { ...defaultSmtpLimits, ...options.limits },
    timeouts: { ...defaultSmtpTimeouts, ...options.timeouts },
  };
}
