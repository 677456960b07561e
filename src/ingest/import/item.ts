import type { CaptureAddress } from "../../archive/types.ts";
import type { TransmissionReport } from "../../drop/types.ts";
import type { MailContent } from "../batch.ts";

/** In what a mail was found. */
export type ImportFormat = "eml" | "maildir" | "mbox" | "bsmtp" | "journal" | "capture";

/** One mail to be imported. */
export interface ImportItem {
  readonly kind: "mail";
  readonly format: ImportFormat;
  /** Where it was found, for people: a path, or a path and the mail's number in it. */
  readonly origin: string;
  /** When it was received or kept, as far as the file tells; milliseconds since the epoch. */
  readonly received: number;
  /** The envelope, where the format has one. */
  readonly addresses: readonly CaptureAddress[];
  readonly content: MailContent;
  /** The transmission report, where the mail lay in a capture. */
  readonly report?: TransmissionReport;
}

/** Something in which no mail could be found. */
export interface ImportProblem {
  readonly kind: "problem";
  readonly origin: string;
  readonly error: unknown;
}

export type Found = ImportItem | ImportProblem;
