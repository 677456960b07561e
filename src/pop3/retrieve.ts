/** Retrievals: a copy is begun before the target is asked for a mail, and each mail goes into its copy as it comes. */

import { MailCopy } from "../drop/mail_copy.ts";
import type { CaptureStart } from "../drop/types.ts";
import { type BlockEnd, readBlock } from "./blocks.ts";
import { type MailBlock, MailPassage, type Retrieval } from "./mail_passage.ts";
import type { SessionParts } from "./session_parts.ts";
import type { SessionEvent, SessionState } from "./session_state.ts";

/** The retrievals of one session, oldest first. */
export class Retrievals {
  readonly #parts: SessionParts;
  readonly #waiting: Retrieval[] = [];
  #octets = 0;
  /** Of the mails that were read, the last one's end has been given free, or given up. */
  #settling: Promise<void> = Promise.resolve();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Octets of all mails that were delivered. */
  get octets(): number {
    return this.#octets;
  }

  /** Begins the copy of a mail that will be asked for; false where there's none and it must not be delivered without. */
  begin(state: SessionState, number: number, uid: string | null): boolean {
    const { settings, drop, log, clock, counters } = this.#parts;
    const start = this.#captureStart(state, number, uid);
    const copy = new MailCopy(drop, start, {
      onFailure: settings.onCaptureFailure,
      log,
      onFailed: () => void counters.copyFailures++,
    });
    if (copy.forbidsDelivery) {
      counters.mailEnded("undelivered", 0);
      return false;
    }
    this.#waiting.push({ user: state.user, uid, number, copy, startedMs: clock.monotonicMs() });
    return true;
  }

  /** The oldest one has no mail. */
  drop(): void {
    this.#waiting.shift()?.copy.abort();
  }

  /** Leaves nothing of those whose mails haven't come. */
  abort(): void {
    for (const { copy } of this.#waiting.splice(0)) copy.abort();
  }

  /** Resolves once the ends of all mails that were read have been given free, or given up. */
  settled(): Promise<void> {
    return this.#settling;
  }

  /**
   * Reads the mail of the oldest one, and passes it on. The end of the mail goes to the client when its copy is safe;
   * until then what comes behind it waits in the client's leg, and the session goes on.
   */
  relay(block: MailBlock, endsLinesWithLf: boolean): SessionEvent | Promise<SessionEvent> {
    const retrieval = this.#waiting.shift();
    if (retrieval === undefined) throw new Error("a mail came that nobody asked for");
    const { client, settings: { timeouts } } = this.#parts;
    const passage = new MailPassage(retrieval, block, this.#parts, (octets) => void (this.#octets += octets));
    const end = readBlock(this.#parts, endsLinesWithLf, (piece) => {
      passage.push(piece);
      if (piece.ended) this.#settling = passage.end(this.#settling);
      else if (passage.isSpoilt) client.cut("copy-failed");
      return client.room(timeouts.dataBlockMs);
    });
    return typeof end === "string"
      ? this.#eventOf(end, passage)
      : end.then((laterEnd) => this.#eventOf(laterEnd, passage));
  }

  #eventOf(end: BlockEnd, passage: MailPassage): SessionEvent {
    const { client } = this.#parts;
    switch (end) {
      case "ended":
        return { kind: "block-ended", lines: [] };
      case "stopped": {
        const how = client.outputLoss ?? "closed";
        passage.breakOff(how === "copy-failed" ? how : "client-lost");
        return { kind: "client-lost", how };
      }
      default: {
        const midReply = passage.begun;
        passage.breakOff("target-lost");
        return { kind: "target-lost", how: end, midReply };
      }
    }
  }

  #captureStart(state: SessionState, messageNumber: number, uidl: string | null): CaptureStart {
    const { listen, client, target, settings } = this.#parts;
    return {
      proxy: { name: settings.name, kind: "pop3", listen },
      client: {
        ...client.connection.remote,
        helo: null,
        tls: client.connection.tls,
        authenticatedAs: state.user,
      },
      target: { host: settings.target.host, ...target.connection.remote, tls: target.connection.tls },
      pop3: { user: state.user, uidl, messageNumber },
    };
  }
}
