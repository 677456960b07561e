/** A stream of octets. */
export type Octets = AsyncIterable<Uint8Array<ArrayBuffer>>;

/** A mail on its way out of the archive. */
export interface OutgoingMail {
  /** SHA-256 of its octets, lower-case hex. */
  readonly sha256: string;
  /** Octets. */
  readonly size: number;
  /** When it was sent or received; names and lists sort by it. */
  readonly date: Date;
  readonly subject: string;
  /** The envelope's reverse-path; "" where there was none. */
  readonly sender: string;
  /** Its octets, exactly; may be asked for once. */
  readonly content: Octets;
}
