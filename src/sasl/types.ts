/** The words of SASL exchanges. */

/** What a client logs in with. */
export interface SaslCredentials {
  readonly username: string;
  readonly password: string;
}

/** One exchange. Throws (or rejects with) MailteeError "protocol" where the server's challenge can't be right. */
export interface SaslClient {
  readonly mechanism: string;
  /** What can go with the AUTH command already; null where the server has to speak first. */
  readonly initial: Uint8Array<ArrayBuffer> | null;
  /** The answer to the server's next challenge. */
  respond(challenge: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * False while the server still owes a proof of its own (SCRAM: its signature). A success before that is not to be
   * trusted. Servers give the proof as a last challenge, which `respond` takes and answers with nothing.
   */
  readonly complete: boolean;
}
