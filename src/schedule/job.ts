/** Something to be done again and again. */
export interface Job {
  /** Unique among the jobs. */
  readonly name: string;
  /** A cron expression: "0 2 * * *". */
  readonly schedule: string;
  /** An IANA time zone; null for the machine's own. @default null */
  readonly timeZone?: string | null;
  /**
   * When the job was last started, by whomever; asked once, when the scheduler learns of the job. A time of the schedule
   * between then and now was missed and is made up by one run at once. Null where nothing can have been missed, as for
   * a job that is new.
   */
  lastStarted(): Promise<Date | null>;
  /**
   * Does the work; stops at the next safe point when the signal is aborted. A rejection is logged and ends nothing.
   * Takes what lock it needs and rejects with MailteeError "busy" where another process holds it.
   */
  run(signal: AbortSignal): Promise<void>;
}
