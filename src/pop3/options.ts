/** What a POP3 proxy can be told. Sizes in bytes, times in milliseconds. */

import type { ListenOptions, TargetOptions } from "../net/types.ts";

export interface Pop3ProxyOptions {
  /** In reports and in the log. */
  readonly name: string;
  readonly listen: readonly ListenOptions[];
  readonly target: TargetOptions;
  /** "proxy": the target, which has to trust the proxy, hears by a PROXY header who the client is. @default null */
  readonly announceClient?: "proxy" | null;
  /** Who may connect, as `parseAddressList` of `net` takes it. Empty: everyone. @default [] */
  readonly allowFrom?: readonly string[];
  /**
   * When a copy can't be written. "refuse": the client gets -ERR or, in the middle of a mail, a cut connection. "pass":
   * the mail is delivered without a copy, logged at error and counted.
   * @default "refuse"
   */
  readonly onCaptureFailure?: "refuse" | "pass";
  /** Refuse logins in clear text. @default false */
  readonly requireTlsForAuth?: boolean;
  /**
   * "never": a mail is captured once for each account, UIDL and content. "always": each retrieval is captured.
   * @default "always"
   */
  readonly recapture?: "never" | "always";
  /**
   * A TOP for at least so many lines of the body is taken as a retrieval, and captured where the whole mail came.
   * fetchmail fetches by "TOP n 99999999" the mails that it leaves on the server; previews ask for some dozen lines.
   * @default 10000
   */
  readonly wholeMailTopLines?: number;
  readonly limits?: Partial<Pop3Limits>;
  readonly timeouts?: Partial<Pop3Timeouts>;
}

export interface Pop3Limits {
  /** Open connections of all listeners. @default 1000 */
  readonly maxConnections: number;
  /** Open connections from one address. @default 100 */
  readonly maxConnectionsPerAddress: number;
  /** Longest command line; AUTH and its responses may have 12288 (RFC 5034 section 4). @default 4096 */
  readonly maxLineBytes: number;
  /** Bad commands of a session before it is ended. @default 20 */
  readonly maxErrors: number;
}

export interface Pop3Timeouts {
  /** How long the target may take to greet. @default 300000, 5 minutes */
  readonly greetingMs: number;
  /**
   * How long a client may take for its next command. RFC 1939 section 3 asks for 10 minutes at least; with more the
   * server's own limit comes first. @default 1800000, 30 minutes
   */
  readonly commandMs: number;
  /** How long the target may take to answer a command. @default 300000, 5 minutes */
  readonly replyMs: number;
  /** How long the next piece of a mail or a listing may take, from the target or to the client. @default 180000 */
  readonly dataBlockMs: number;
}

/** The same with nothing left open. */
export interface Pop3Settings extends Required<Omit<Pop3ProxyOptions, "limits" | "timeouts">> {
  readonly limits: Pop3Limits;
  readonly timeouts: Pop3Timeouts;
}

export const defaultPop3Limits: Pop3Limits = {
  maxConnections: 1000,
  maxConnectionsPerAddress: 100,
  maxLineBytes: 4096,
  maxErrors: 20,
};

export const defaultPop3Timeouts: Pop3Timeouts = {
  greetingMs: 5 * 60_000,
  commandMs: 30 * 60_000,
  replyMs: 5 * 60_000,
  dataBlockMs: 3 * 60_000,
};

/** Fills in the defaults. */
export function resolvePop3Options(options: Pop3ProxyOptions): Pop3Settings {
  return {
    announceClient: null,
    allowFrom: [],
    onCaptureFailure: "refuse",
    requireTlsForAuth: false,
    recapture: "always",
    wholeMailTopLines: 10_000,
    ...options,
    limits: { ...defaultPop3Limits, ...options.limits },
    timeouts: { ...defaultPop3Timeouts, ...options.timeouts },
  };
}
