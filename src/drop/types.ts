/** The words of the drop folder, shared by those who write captures and those who read them. */

export interface ReportTls {
  readonly version: string;
  readonly cipher: string;
}

/** A recipient that the target accepted, with its exact spelling. */
export interface ReportRecipient {
  readonly address: string;
  /** ESMTP parameters of RCPT TO as sent: `["NOTIFY=SUCCESS", …]`. */
  readonly params: readonly string[];
  /** The target's reply, lines joined by "\n": "250 2.1.5 Ok". */
  readonly reply: string;
}

export interface SmtpTransmission {
  /** Reverse-path without angle brackets; "" is the null reverse-path. */
  readonly mailFrom: string;
  readonly recipients: readonly ReportRecipient[];
  readonly rejectedRecipients: readonly ReportRecipient[];
  /** ESMTP parameters of MAIL FROM as sent. */
  readonly params: readonly string[];
  /** The target's reply to the end of the mail; null where it was lost. */
  readonly reply: string | null;
}

export interface Pop3Transmission {
  readonly user: string | null;
  /** Null where the server has no UIDL. */
  readonly uidl: string | null;
  readonly messageNumber: number;
}

/**
 * accepted: the target said 2xx · retrieved: a RETR came to its end · unknown: the copy is complete, the answer lost.
 */
export type Outcome = "accepted" | "retrieved" | "unknown";

/** The transmission report, part 3 of a capture. docs/drop-folder.md has the schema. */
export interface TransmissionReport {
  readonly version: 1;
  /** ULID; identifies the capture, whatever its file is called. */
  readonly id: string;
  readonly proxy: {
    readonly name: string;
    readonly kind: "smtp" | "lmtp" | "pop3";
    readonly listen: string;
  };
  readonly client: {
    readonly address: string;
    readonly port: number;
    readonly helo: string | null;
    readonly tls: ReportTls | null;
    readonly authenticatedAs: string | null;
  };
  readonly target: {
    readonly host: string;
    readonly address: string;
    readonly port: number;
    readonly tls: ReportTls | null;
  };
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly mail: {
    readonly size: number;
    /** SHA-256 of the mail's octets, lower-case hex. */
    readonly sha256: string;
    /** Octets up to and including the empty line after the header; `size` where there is none. */
    readonly headerSize: number;
  };
  readonly smtp?: SmtpTransmission;
  readonly pop3?: Pop3Transmission;
  readonly outcome: Outcome;
  /** ISO 8601, UTC; null where the program was stopped before the end. */
  readonly finished: string | null;
}

/** What is known when a mail begins to flow: all of the report but its end. */
export type CaptureStart =
  & Pick<TransmissionReport, "proxy" | "client" | "target">
  & (
    | { readonly smtp: Omit<SmtpTransmission, "reply">; readonly pop3?: never }
    | { readonly pop3: Pop3Transmission; readonly smtp?: never }
  );

/** What is known at the end. */
export interface Settlement {
  readonly outcome: Outcome;
  /** SMTP: the target's reply to the end of the mail. */
  readonly reply?: string;
  /** LMTP: the recipients that were accepted after the mail was sent, where these aren't all of `smtp.recipients`. */
  readonly recipients?: readonly ReportRecipient[];
  readonly rejectedRecipients?: readonly ReportRecipient[];
}

/**
 * One capture in the making: a transaction. begin → write* → seal → commit, or abort at any point before commit.
 * After a rejected `write`, `seal` or `commit` the owner must still call `abort`.
 */
export interface Capture {
  readonly id: string;
  /**
   * Takes the mail's next octets (unstuffed, as they count). The buffer may be reused when it returns, unless it is
   * `lasting`: then it must not change any more, and isn't copied.
   * Throws MailteeError "disk-full" or "io".
   */
  write(content: Uint8Array, lasting?: boolean): void;
  /** Octets written so far. */
  readonly size: number;
  /**
   * Makes the copy safe: written whole, flushed, findable after a power cut as `unknown`. Only then may the end marker
   * be passed on. Rejects with MailteeError "disk-full" or "io"; a failed flush is never tried again.
   */
  seal(): Promise<void>;
  /**
   * Writes the outcome into the report and makes the capture visible by a rename. Gives the file's path. Rejects with
   * MailteeError "disk-full" or "io".
   */
  commit(settlement: Settlement): Promise<string>;
  /**
   * Leaves nothing behind. Never throws, and may be called at any time. Once `commit` was called it takes nothing back,
   * since the target holds the mail: after a rejected `commit` the sealed file stays in `.incoming/`, and the writer puts
   * it in place once it can, at the latest at the next start.
   */
  abort(): void;
}

/** What a start found in `.incoming/` (contracts.md, section 3, rule 4). */
export interface Recovery {
  /** Files of complete captures, now visible, with outcome `unknown` unless they had been settled. */
  readonly committed: readonly string[];
  /** How many incomplete ones were discarded. */
  readonly discarded: number;
  /** What could neither be finished nor discarded, and stays where it is. */
  readonly failed: readonly { readonly path: string; readonly reason: string }[];
}

/** The writing side of a drop folder; one per folder and process. */
export interface DropWriter {
  readonly path: string;
  /** Starts a capture. Throws MailteeError "disk-full" or "io" when the folder can't take one. */
  begin(start: CaptureStart): Capture;
  close(): Promise<void>;
}

/** One capture as it lies in the folder. */
export interface CaptureFile {
  readonly path: string;
  readonly report: TransmissionReport;
  /** Where part 2, the mail itself, begins in the file; it is `report.mail.size` octets long. */
  readonly mailOffset: number;
}
