import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { DropWriter } from "../drop/types.ts";
import type { Doorbell } from "../net/doorbell.ts";
import type { Counters } from "./counters.ts";
import type { Leg } from "./leg.ts";
import type { Pop3Settings } from "./options.ts";
import type { SeenMails } from "./seen.ts";

/** What a session is made of, besides its state. */
export interface SessionParts {
  /** For the log: tells a session's lines from others. */
  readonly id: string;
  /** The address that the client connected to, as `192.0.2.1:110`. */
  readonly listen: string;
  readonly client: Leg;
  readonly target: Leg;
  /** Rings when either leg has news. */
  readonly bell: Doorbell;
  readonly settings: Pop3Settings;
  readonly drop: DropWriter;
  /** Mails that were captured before; null where every retrieval is captured. */
  readonly seen: SeenMails | null;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Counters;
}
