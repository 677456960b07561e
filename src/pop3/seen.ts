/** A mail as one account's client fetched it. */
export interface SeenMail {
  /** Server and user. */
  readonly account: string;
  readonly uid: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Which mails were captured before, so that `recapture: "never"` can leave them out. */
export interface SeenMails {
  /** True only where account, UID and content all are those of a capture that was kept. */
  has(mail: SeenMail): boolean;
  /** A capture was kept. Never throws: what can't be remembered is captured once more. */
  add(mail: SeenMail): void;
  close(): void;
}
