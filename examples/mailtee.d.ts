/**
 * The types of proxy.config.ts, for your editor: `import type { Config } from "./mailtee.d.ts"`.
 * Made by `mailtee init`; `mailtee init --types` brings it up to date after an update of mailtee.
 */

export interface Config {
  /**
   * Folder that the proxies write captures into, and profiles take them from. May be on a network share.
   * @default "./drop"
   */
  readonly dropFolder?: string;
  /**
   * The proxies; none on a machine that only archives.
   * @default []
   */
  readonly proxies?: readonly (SmtpProxy | Pop3Proxy)[];
  /**
   * The archive.
   * @default none, on a machine that only relays
   */
  readonly archive?: Archive;
  /** How the drop folder is emptied into the archive, by name: `mailtee archive --profile NAME`. */
  readonly profiles?: Readonly<Record<string, Profile>>;
  /** The log, on standard error; `--log-level` and `--log-format` go before it. */
  readonly log?: Log;
  /**
   * How long running sessions may take to finish when `mailtee run` is stopped or restarted.
   * @default 30
   */
  readonly drainSeconds?: number;
  /** Unix permissions; widen them where an archiver under another user shares the drop folder. */
  readonly permissions?: Permissions;
  /**
   * Folder of the self-signed certificate, for listeners that name no certificate of their own.
   * @default "."
   */
  readonly certificateFolder?: string;
}

export interface SmtpProxy {
  /** The protocol; lmtp delivers to mailboxes (RFC 2033). */
  readonly kind: "smtp" | "lmtp";
  /**
   * Name in reports, in the log and in `proxy:` of a search.
   * @default "SMTP proxy 1", "POP3 proxy 1", …
   */
  readonly name?: string;
  /** Where clients connect. */
  readonly listen: readonly Listen[];
  /** The server that this proxy stands for. */
  readonly target: SmtpTarget;
  /**
   * Who may connect: addresses ("203.0.113.7"), networks ("192.168.0.0/16", "2001:db8::/32"), "localhost",
   * "private" (this machine and private networks). Everybody: ["0.0.0.0/0", "::/0"].
   * @default ["private"]
   */
  readonly allowFrom?: readonly string[];
  /**
   * Drop folder of this proxy alone.
   * @default the config's `dropFolder`
   */
  readonly dropFolder?: string;
  /**
   * When a copy can't be written, because the disk is full or broken. "refuse": the client is told to try again
   * later. "pass": mails pass without a copy, each logged as an error.
   * @default "refuse"
   */
  readonly onCaptureFailure?: "refuse" | "pass";
  /**
   * Refuse logins of clients in clear text.
   * @default false; with `clients` true, except for clients on this machine
   */
  readonly requireTlsForAuth?: boolean;
  /**
   * Those who may send, by a login at this proxy (AUTH PLAIN and LOGIN); nobody else may, and no login reaches the
   * server. `allowFrom` applies besides.
   * @default logins are the server's
   */
  readonly clients?: readonly Client[];
  /**
   * What becomes of a mail with a CR or LF that stands alone, with which a second mail can be smuggled past a
   * server. "normalize": each becomes CRLF, for the server and in the copy alike. "reject": the mail is refused.
   * @default "normalize"
   */
  readonly bareNewline?: "normalize" | "reject";
  /** Limits; at each the client hears the protocol's own reply. */
  readonly limits?: SmtpLimits;
  /** Time limits (RFC 5321 section 4.5.3.2). */
  readonly timeouts?: SmtpTimeouts;
}

export interface Pop3Proxy {
  /** The protocol. */
  readonly kind: "pop3";
  /**
   * Name in reports, in the log and in `proxy:` of a search.
   * @default "SMTP proxy 1", "POP3 proxy 1", …
   */
  readonly name?: string;
  /** Where clients connect. */
  readonly listen: readonly Listen[];
  /** The server that this proxy stands for. */
  readonly target: Pop3Target;
  /**
   * Who may connect: addresses ("203.0.113.7"), networks ("192.168.0.0/16", "2001:db8::/32"), "localhost",
   * "private" (this machine and private networks). Everybody: ["0.0.0.0/0", "::/0"].
   * @default ["private"]
   */
  readonly allowFrom?: readonly string[];
  /**
   * Drop folder of this proxy alone.
   * @default the config's `dropFolder`
   */
  readonly dropFolder?: string;
  /**
   * When a copy can't be written, because the disk is full or broken. "refuse": the client is told to try again
   * later. "pass": mails pass without a copy, each logged as an error.
   * @default "refuse"
   */
  readonly onCaptureFailure?: "refuse" | "pass";
  /**
   * Refuse logins of clients in clear text.
   * @default false
   */
  readonly requireTlsForAuth?: boolean;
  /**
   * Clients that leave mails on the server fetch them again. "never": a mail that was captured before for this
   * account and UIDL, with the same bytes, isn't captured again. "always": it is; the archive keeps it once
   * anyway.
   * @default "always"
   */
  readonly recapture?: "always" | "never";
  /**
   * A TOP for at least so many lines of the body is a retrieval, and captured where the whole mail came: fetchmail
   * fetches that way what it leaves on the server. Previews ask for some dozen lines.
   * @default 10000
   */
  readonly wholeMailTopLines?: number;
  /** Limits; at each the client hears the protocol's own reply. */
  readonly limits?: Limits;
  /** Time limits (RFC 1939 section 3). */
  readonly timeouts?: Pop3Timeouts;
}

export interface Archive {
  /** Folder of the archive. */
  readonly path: string;
  /**
   * Who has which addresses; or { file: PATH } with the same list in a YAML or JSON file.
   * @default []
   */
  readonly users?: readonly User[] | { readonly file: string };
}

export interface Profile {
  /**
   * The drop folder to take mails from.
   * @default the config's `dropFolder`
   */
  readonly dropFolder?: string;
  /**
   * Delete a capture from the drop folder once its mail is safe in the archive.
   * @default false
   */
  readonly deleteArchived?: boolean;
  /**
   * Delete captures whose addresses no user has. They are gone then: nobody has archived them.
   * @default false
   */
  readonly deleteUnassigned?: boolean;
  /**
   * When `mailtee run` runs the profile, as a cron expression: "0 2 * * *" is every night at two.
   * @default only when `mailtee archive` asks for it
   */
  readonly schedule?: string;
  /**
   * Time zone of the schedule: "Europe/Berlin".
   * @default this machine's
   */
  readonly timeZone?: string;
}

export interface Log {
  /**
   * What is logged: this and what is worse.
   * @default "info"
   */
  readonly level?: "debug" | "info" | "warning" | "error";
  /**
   * One line of text or one JSON object a record.
   * @default "text"
   */
  readonly format?: "text" | "json";
}

export interface Permissions {
  /**
   * Permissions of files in the drop folder and the archive.
   * @default "0600"
   */
  readonly files?: string;
  /**
   * Permissions of folders.
   * @default "0700"
   */
  readonly folders?: string;
}

export interface Listen {
  /**
   * Address of this machine to listen on: "0.0.0.0" for all of IPv4, "::" for all, "127.0.0.1" for this machine
   * only.
   */
  readonly address: string;
  /**
   * Port to listen on. 0 lets the system choose one, for tests.
   * @default 25 (smtp), 24 (lmtp), 110 (pop3); with implicit TLS 465 (smtp, lmtp), 995 (pop3)
   */
  readonly port?: number;
  /**
   * TLS with clients. "starttls": offered within the clear-text session (STARTTLS, STLS). "implicit": from the
   * first byte. "none": never.
   * @default "starttls"
   */
  readonly tls?: "none" | "starttls" | "implicit";
  /**
   * The listener's certificate.
   * @default a self-signed one, made once and kept in `certificateFolder`
   */
  readonly certificate?: Certificate;
  /**
   * Load balancers that say who the client is by a PROXY header, version 1 or 2 (HAProxy's `send-proxy`). From
   * their addresses a connection without one is closed; from others a header is no command. `allowFrom`, limits,
   * reports and log go by the client's address.
   * @default clients connect by themselves
   */
  readonly proxyProtocol?: ProxyProtocol;
}

export interface SmtpTarget {
  /** Name or address of the server to relay to. */
  readonly host: string;
  /**
   * The server's port.
   * @default 25 (smtp), 24 (lmtp), 110 (pop3); with implicit TLS 465 (smtp, lmtp), 995 (pop3)
   */
  readonly port?: number;
  /**
   * TLS with the server, whatever clients use. "starttls": the session is upgraded, or ended where the server
   * refuses; never clear text instead.
   * @default "none"
   */
  readonly tls?: "none" | "starttls" | "implicit";
  /**
   * Which certificate the server may show. "system": one for `host` that the roots of this machine vouch for.
   * caFile: one for `host` that a root in this PEM file vouches for. fingerprint: this one, whoever vouches for
   * it. "insecure": any, so that anybody on the way to the server can read along.
   * @default "system"
   */
  readonly trust?: "system" | "insecure" | { readonly caFile: string } | { readonly fingerprint: string };
  /**
   * How long connecting may take, and the TLS handshake.
   * @default 30
   */
  readonly connectTimeoutSeconds?: number;
  /**
   * What the proxy logs in with, in place of its clients. Whoever may connect can then send as this user: see
   * `allowFrom`.
   * @default clients log in themselves
   */
  readonly credentials?: Credentials;
  /**
   * How the server hears who the client is; it has to trust this machine for that. "xclient": its rules and its
   * log see the client (Postfix: smtpd_authorized_xclient_hosts). "xforward": its log alone does
   * (smtpd_authorized_xforward_hosts). "proxy": a PROXY header before all else. Where the server doesn't take it,
   * no mail passes.
   * @default it sees this machine
   */
  readonly announceClient?: "xclient" | "xforward" | "proxy";
}

export interface Client {
  /** User name, spelled exactly so. */
  readonly username: string;
  /** What `mailtee password` prints for the password. */
  readonly passwordHash: string;
}

export interface SmtpLimits {
  /**
   * Open connections in all.
   * @default 1000
   */
  readonly connections?: number;
  /**
   * Open connections from one address.
   * @default 100
   */
  readonly connectionsPerAddress?: number;
  /**
   * Longest command line, in bytes.
   * @default 4096
   */
  readonly lineBytes?: number;
  /**
   * Bad commands in a session before it is ended.
   * @default 20
   */
  readonly errors?: number;
  /**
   * Recipients of one mail.
   * @default 1000
   */
  readonly recipients?: number;
  /**
   * Largest mail: "50MB", or a number of bytes.
   * @default what the server takes
   */
  readonly mailSize?: number | string;
}

export interface SmtpTimeouts {
  /**
   * Seconds that a client may take for its next command.
   * @default 300
   */
  readonly client?: number;
  /**
   * Seconds that the server may take to greet, and to answer a command.
   * @default 300
   */
  readonly target?: number;
  /**
   * Seconds that the next piece of a mail may take, on either side.
   * @default 180
   */
  readonly data?: number;
  /**
   * Seconds that the server may take to answer DATA.
   * @default 120
   */
  readonly dataStart?: number;
  /**
   * Seconds that the server may take to accept a whole mail.
   * @default 600
   */
  readonly dataEnd?: number;
  /**
   * Seconds that a client may go on sending a mail that was refused already.
   * @default 300
   */
  readonly refusedData?: number;
}

export interface Pop3Target {
  /** Name or address of the server to relay to. */
  readonly host: string;
  /**
   * The server's port.
   * @default 25 (smtp), 24 (lmtp), 110 (pop3); with implicit TLS 465 (smtp, lmtp), 995 (pop3)
   */
  readonly port?: number;
  /**
   * TLS with the server, whatever clients use. "starttls": the session is upgraded, or ended where the server
   * refuses; never clear text instead.
   * @default "none"
   */
  readonly tls?: "none" | "starttls" | "implicit";
  /**
   * Which certificate the server may show. "system": one for `host` that the roots of this machine vouch for.
   * caFile: one for `host` that a root in this PEM file vouches for. fingerprint: this one, whoever vouches for
   * it. "insecure": any, so that anybody on the way to the server can read along.
   * @default "system"
   */
  readonly trust?: "system" | "insecure" | { readonly caFile: string } | { readonly fingerprint: string };
  /**
   * How long connecting may take, and the TLS handshake.
   * @default 30
   */
  readonly connectTimeoutSeconds?: number;
  /**
   * How the server hears who the client is; it has to trust this machine for that. "proxy": a PROXY header before
   * all else (Dovecot: haproxy = yes).
   * @default it sees this machine
   */
  readonly announceClient?: "proxy";
}

export interface Limits {
  /**
   * Open connections in all.
   * @default 1000
   */
  readonly connections?: number;
  /**
   * Open connections from one address.
   * @default 100
   */
  readonly connectionsPerAddress?: number;
  /**
   * Longest command line, in bytes.
   * @default 4096
   */
  readonly lineBytes?: number;
  /**
   * Bad commands in a session before it is ended.
   * @default 20
   */
  readonly errors?: number;
}

export interface Pop3Timeouts {
  /**
   * Seconds that a client may take for its next command.
   * @default 1800
   */
  readonly client?: number;
  /**
   * Seconds that the server may take to greet, and to answer a command.
   * @default 300
   */
  readonly target?: number;
  /**
   * Seconds that the next piece of a mail may take, on either side.
   * @default 180
   */
  readonly data?: number;
}

export interface User {
  /** Name of the user in the archive and in `user:` of a search. */
  readonly name: string;
  /**
   * Mails to and from these addresses are the user's. Patterns: "*@company.example", "anna+*@company.example".
   * @default []
   */
  readonly addresses?: readonly string[];
  /**
   * Mails fetched under these POP3 user names are the user's.
   * @default []
   */
  readonly pop3Users?: readonly string[];
}

export interface Certificate {
  /** PEM file with the certificate, then those that lead to its root. */
  readonly certFile: string;
  /** PEM file with the certificate's private key. */
  readonly keyFile: string;
}

export interface ProxyProtocol {
  /**
   * The load balancers' own addresses, written as in `allowFrom`. Whoever connects from here can pose as any
   * client.
   */
  readonly from: readonly string[];
}

export interface Credentials {
  /** User name at the server. */
  readonly username: string;
  /**
   * Password: { env: NAME } takes it from the environment or from the file `.env` beside the config, { file: PATH
   * } from a file (a newline at its end doesn't count).
   */
  readonly password: string | { readonly env: string } | { readonly file: string };
}
