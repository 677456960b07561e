/** The words that `net` and the protocol rooms share. */

export interface SocketAddress {
  /** IPv4 or IPv6 address, without brackets; IPv4-mapped IPv6 addresses are written as IPv4. */
  readonly address: string;
  readonly port: number;
}

/** A set of IP addresses. */
export interface AddressList {
  /** True where the list has this address; IPv4-mapped IPv6 addresses count as IPv4, a zone (`%eth0`) doesn't count. */
  has(address: string): boolean;
}

/** What was agreed in a TLS handshake, as OpenSSL names it: "TLSv1.3", "TLS_AES_256_GCM_SHA384". */
export interface TlsInfo {
  readonly version: string;
  readonly cipher: string;
}

/** STARTTLS / STLS = upgrade in the clear-text session; implicit = TLS from the first byte (RFC 8314). */
export type TlsMode = "none" | "starttls" | "implicit";

/** Certificate chain and key in PEM, for the server role. */
export interface ServerTlsOptions {
  readonly cert: string;
  readonly key: string;
}

/** Whom to trust in the client role. */
export type TlsTrust =
  | { readonly kind: "system" }
  | { readonly kind: "ca"; readonly pem: string }
  /** SHA-256 of the DER certificate: 64 lower-case hex digits. */
  | { readonly kind: "fingerprint"; readonly sha256: string }
  | { readonly kind: "insecure" };

export interface ClientTlsOptions {
  /** Name that the certificate must bear, sent as SNI. */
  readonly serverName: string;
  readonly trust: TlsTrust;
}

/** How to reach a server; both protocol rooms take it. */
export interface TargetOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  readonly trust: TlsTrust;
  /** Time limit for connecting and for the TLS handshake, each. */
  readonly connectTimeoutMs: number;
  /** Sent before all else, a TLS handshake too: a PROXY header. */
  readonly preamble?: Uint8Array<ArrayBuffer>;
}

/** One address that a proxy listens on. */
export interface ListenOptions {
  readonly address: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls: TlsMode;
  /** Needed unless `tls` is "none". */
  readonly certificate?: ServerTlsOptions;
  /** Load balancers: connections from here begin with a PROXY header that says who the client is, others never. */
  readonly loadBalancers?: AddressList;
}

/**
 * A TCP connection in either role, clear or TLS, with one input buffer.
 *
 * Reading: look at `buffered`, `consume` what was understood, `fill` for more. Nothing is read from the socket
 * unless a `fill` is under way, so memory is bounded and a peer that isn't read is held back by TCP.
 */
export interface Connection {
  /** The peer; behind a load balancer that tells it by a PROXY header, the client. */
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  /** Null while the connection is in clear text. */
  readonly tls: TlsInfo | null;
  /** Received bytes not yet consumed. A view into the input buffer: valid until the next `fill`. */
  readonly buffered: Uint8Array;
  /** Drops the first `count` buffered bytes. */
  consume(count: number): void;
  /**
   * As `consume`, for bytes that are to be kept without a copy: what `buffered` has given of them doesn't change any
   * more.
   */
  detach(count: number): void;
  /**
   * Waits for more bytes: true when `buffered` has grown, false at the peer's orderly end. While one is under way,
   * further calls give the same promise.
   * Rejects with MailteeError "timeout" when the deadline passes (the connection stays open: a reply can still be
   * written, and `fill` may be called again after a new deadline), "connection-lost" when the peer resets or this side
   * closes.
   */
  fill(): Promise<boolean>;
  /** From now, how long `fill`, `write` and `closeWrite` may take until they reject with "timeout"; null: no limit. */
  setDeadline(ms: number | null): void;
  /** How much one read takes at most: small while lines are exchanged, large while a mail flows. */
  setReadSize(bytes: number): void;
  /** Writes all bytes; the caller may reuse the buffer once it resolves. Concurrent calls are written in order. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Upgrades in the server role. Throws away what was received in clear text (RFC 3207 section 4.2: response and
   * command injection) and gives the number of bytes thrown away. No `fill` may be under way.
   */
  startServerTls(options: ServerTlsOptions): Promise<number>;
  /** Upgrades in the client role, with the same care. Rejects with "tls" when the peer can't be trusted. */
  startClientTls(options: ClientTlsOptions): Promise<number>;
  /** Sends the end of the stream (close_notify under TLS) within the deadline; reading goes on. */
  closeWrite(): Promise<void>;
  /** Closes at once. Safe to call more than once. */
  close(): void;
}
