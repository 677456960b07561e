/** A config as the program uses it: paths absolute, defaults filled in, sizes in bytes, times in the unit of their name. */

import type { LogFormat, LogLevel } from "../base/log.ts";
import type { TlsMode, TlsTrust } from "../net/types.ts";
import type { Secret } from "./secret.ts";

export interface ResolvedConfig {
  /** The config file. */
  readonly file: string;
  /** Its folder, which relative paths in it start from. */
  readonly directory: string;
  /** The drop folder of all proxies and profiles that don't name their own. */
  readonly dropFolder: string;
  /** Empty on a machine that only archives. */
  readonly proxies: readonly ProxyConfig[];
  /** Null on a machine that only relays. */
  readonly archive: ArchiveConfig | null;
  readonly profiles: Readonly<Record<string, ProfileConfig>>;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  /** How long running sessions may take to finish when `mailtee run` is stopped or restarted. */
  readonly drainSeconds: number;
  readonly permissions: { readonly fileMode: number; readonly folderMode: number };
  /** Where the self-signed certificate is made and kept, for listeners that name no certificate. */
  readonly selfSigned: CertificateFiles;
}

export type ProxyConfig = SmtpProxyConfig | Pop3ProxyConfig;

/** What proxies of every kind have. */
export interface CommonProxyConfig {
  /** Unique among the proxies. */
  readonly name: string;
  readonly dropFolder: string;
  readonly listen: readonly ListenConfig[];
  readonly target: TargetConfig;
  /** Addresses, CIDR ranges and words as `parseAddressList` of `net` takes them; never empty. */
  readonly allowFrom: readonly string[];
  /** True where the config itself says who is allowed, false where `allowFrom` is the default. */
  readonly allowFromGiven: boolean;
  /** "refuse": no copy, no delivery. "pass": deliver without a copy, and say so in the log. */
  readonly onCaptureFailure: "refuse" | "pass";
  readonly requireTlsForAuth: boolean;
}

export interface SmtpProxyConfig extends CommonProxyConfig {
  readonly kind: "smtp" | "lmtp";
  /** Those who may log in at the proxy; null where logins are the target's. */
  readonly clients: readonly ClientConfig[] | null;
  /** True where clients on this machine may log in in clear text all the same. */
  readonly clearTextLoginsFromHere: boolean;
  readonly bareNewline: "normalize" | "reject";
  readonly limits: SmtpLimitsConfig;
  readonly timeouts: SmtpTimeoutsConfig;
}

export interface Pop3ProxyConfig extends CommonProxyConfig {
  readonly kind: "pop3";
  /** "never": a mail that was captured before for this account and UIDL isn't captured again. */
  readonly recapture: "never" | "always";
  /** A TOP for at least so many lines is taken as a retrieval. */
  readonly wholeMailTopLines: number;
  readonly limits: LimitsConfig;
  readonly timeouts: TimeoutsConfig;
}

export interface ListenConfig {
  readonly address: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls: TlsMode;
  /** Null: the self-signed certificate. */
  readonly certificate: CertificateFiles | null;
  /** Load balancers that send a PROXY header, as `parseAddressList` takes them; null for none. */
  readonly proxyProtocolFrom: readonly string[] | null;
}

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TargetConfig {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  readonly trust: TrustConfig;
  /** For connecting and for the TLS handshake, each. */
  readonly connectTimeoutSeconds: number;
  /** Credentials that the proxy holds; null where clients log in themselves. */
  readonly credentials: CredentialsConfig | null;
  /** How the target hears who the client is; for POP3 "proxy" at most. Null: not at all. */
  readonly announceClient: "xclient" | "xforward" | "proxy" | null;
}

/** A `TlsTrust`; a CA keeps the name of its file. */
export type TrustConfig =
  | Exclude<TlsTrust, { readonly kind: "ca" }>
  | { readonly kind: "ca"; readonly file: string; readonly pem: string };

export interface ClientConfig {
  readonly username: string;
  /** As `mailtee password` prints it. */
  readonly passwordHash: string;
}

export interface CredentialsConfig {
  readonly username: string;
  readonly password: Secret;
}

export interface LimitsConfig {
  /** Open connections of the proxy in all. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** The longest command line, in bytes. */
  readonly lineBytes: number;
  /** Bad commands of a session until it is ended. */
  readonly errors: number;
}

export interface SmtpLimitsConfig extends LimitsConfig {
  /** Recipients of one mail. */
  readonly recipients: number;
  /** The largest mail in bytes; null leaves it to the target. */
  readonly mailSize: number | null;
}

/** Seconds. */
export interface TimeoutsConfig {
  /** How long a client may take for its next command. */
  readonly client: number;
  /** How long the target may take to greet, and to answer a command. */
  readonly target: number;
  /** How long the next piece of a mail may take, on either side. */
  readonly data: number;
}

export interface SmtpTimeoutsConfig extends TimeoutsConfig {
  /** How long the target may take to answer DATA. */
  readonly dataStart: number;
  /** How long the target may take to answer the end of a mail. */
  readonly dataEnd: number;
  /** How long a client may go on sending a mail that was refused already. */
  readonly refusedData: number;
}

export interface ArchiveConfig {
  readonly path: string;
  readonly users: readonly UserConfig[];
}

export interface UserConfig {
  readonly name: string;
  /** Addresses and patterns: "anna@company.example", "*@company.example". */
  readonly addresses: readonly string[];
  readonly pop3Users: readonly string[];
}

export interface ProfileConfig {
  readonly name: string;
  readonly dropFolder: string;
  readonly deleteArchived: boolean;
  readonly deleteUnassigned: boolean;
  /** A cron expression; null where the profile is only run by hand. */
  readonly schedule: string | null;
  /** An IANA time zone; null for the machine's own. */
  readonly timeZone: string | null;
}
