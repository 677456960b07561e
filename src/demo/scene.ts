import type { App } from "../app.ts";
import type { Clock } from "../base/clock.ts";
import type { MailServer } from "./mail_server.ts";
import type { Narrator } from "./narrator.ts";
import type { Sample } from "./samples/samples.ts";

/** What the steps of the demo share. */
export interface Scene {
  readonly narrator: Narrator;
  readonly server: MailServer;
  readonly app: App;
  readonly configFile: string;
  readonly samples: readonly Sample[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Reads a config file as `mailtee run` does. */
  readonly loadConfig: (file: string) => Promise<App["config"]>;
}

/** "1 mail", "12 mails". */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
