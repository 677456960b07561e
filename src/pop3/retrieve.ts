/** Retrievals: each mail passes to the client and into its copy, and its end waits until the copy is safe. */

import { createHash } from "node:crypto";
import type { CaptureStart } from "../drop/types.ts";
import { END_MARKER } from "../net/dot_stream.ts";
import { readBlock } from "./blocks.ts";
import type { RetrievalEnd } from "./counters.ts";
import { MailCopy } from "../drop/mail_copy.ts";
import { withCrLf } from "./reply.ts";
import type { SessionParts } from "./session_parts.ts";
import type { Block, SessionEvent, SessionState } from "./session_state.ts";
import { BodyLines } from "./top_lines.ts";

/** A retrieval that the target was asked for, or is about to be. */
interface Retrieval {
  readonly user: string | null;
  readonly uid: string | null;
  readonly number: number;
  readonly copy: MailCopy;
  readonly startedMs: number;
}

/** A mail under way. */
interface Passage {
  readonly retrieval: Retrieval;
  /** Runs only where it decides whether the mail is captured. */
  readonly hash: ReturnType<typeof createHash> | null;
  readonly bodyLines: BodyLines | null;
  /** The client has seen the beginning. */
  begun: boolean;
  /** A TOP didn't give the whole mail. */
  partial: boolean;
}

type MailBlock = Block & { what: "mail" };

/** The retrievals of one session, oldest first. */
export class Retrievals {
  readonly #parts: SessionParts;
  readonly #waiting: Retrieval[] = [];
  #octets = 0;

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

  /** Leaves nothing of those that aren't done. */
  abort(): void {
    for (const { copy } of this.#waiting.splice(0)) copy.abort();
  }

  /** Passes the mail of the oldest one. */
  async relay(block: MailBlock, endsLinesWithLf: boolean): Promise<SessionEvent> {
    const [retrieval] = this.#waiting;
    if (retrieval === undefined) throw new Error("a mail came that nobody asked for");
    const passage: Passage = {
      retrieval,
      hash: this.#mayBeKnown(retrieval) ? createHash("sha256") : null,
      bodyLines: block.lines === null ? null : new BodyLines(),
      begun: false,
      partial: false,
    };
    const event = await this.#pass(passage, block, endsLinesWithLf);
    this.#waiting.shift();
    retrieval.copy.abort();
    if (!passage.partial) this.#report(passage, event);
    return event;
  }

  async #pass(passage: Passage, block: MailBlock, endsLinesWithLf: boolean): Promise<SessionEvent> {
    const { client, target, settings: { timeouts } } = this.#parts;
    const { copy } = passage.retrieval;
    const options = { pieceMs: timeouts.dataBlockMs, endsLinesWithLf };
    const end = await readBlock(target, options, async (piece) => {
      copy.write(piece.content);
      passage.hash?.update(piece.content);
      passage.bodyLines?.push(piece.content);
      if (piece.ended) await this.#settleCopy(passage, block);
      // A client that has seen nothing yet gets an -ERR at the end; until then the target is read on.
      if (copy.forbidsDelivery) return !passage.begun;
      if (!passage.begun) client.append(withCrLf(block.status));
      passage.begun = true;
      client.append(piece.wire);
      if (piece.ended) client.append(END_MARKER);
      return await client.flush(timeouts.dataBlockMs);
    });
    if (copy.forbidsDelivery && end !== "closed" && end !== "timeout") {
      return { kind: passage.begun ? "mail-cut" : "mail-withheld" };
    }
    if (client.outputLoss !== null) return { kind: "client-lost", how: client.outputLoss };
    if (end !== "ended") {
      return { kind: "target-lost", how: end === "timeout" ? end : "closed", midReply: passage.begun };
    }
    return { kind: "block-ended", lines: [] };
  }

  /** Keeps the copy, unless this is not the whole mail, or one that was captured before. */
  async #settleCopy(passage: Passage, block: MailBlock): Promise<void> {
    const { retrieval, hash, bodyLines } = passage;
    const { copy, uid } = retrieval;
    passage.partial = block.lines !== null && bodyLines !== null && bodyLines.count >= block.lines;
    if (passage.partial) return copy.abort();
    const sha256 = hash?.digest("hex");
    const { seen } = this.#parts;
    if (seen === null || sha256 === undefined || uid === null) return await keep(copy);
    const mail = { account: this.#account(retrieval), uid, sha256 };
    if (seen.has(mail)) return copy.abort();
    await keep(copy);
    if (copy.state === "kept") seen.add(mail);
  }

  #mayBeKnown({ uid, user }: Retrieval): boolean {
    return this.#parts.seen !== null && uid !== null && user !== null;
  }

  #account({ user }: Retrieval): string {
    const { host, port } = this.#parts.settings.target;
    return `${host}:${port}/${user}`;
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

  #report({ retrieval, begun }: Passage, event: SessionEvent): void {
    const { id, client, settings, clock, log, counters } = this.#parts;
    const { copy, user, uid, number, startedMs } = retrieval;
    const end = retrievalEnd(copy, event);
    if (event.kind === "block-ended") this.#octets += copy.size;
    counters.mailEnded(end, copy.size);
    log.info("Mail {outcome}", {
      outcome: end,
      proxy: settings.name,
      session: id,
      client: client.connection.remote.address,
      user: user ?? undefined,
      number,
      uidl: uid ?? undefined,
      size: copy.size,
      reason: end === "undelivered" ? event.kind : undefined,
      partlySent: end === "undelivered" ? begun : undefined,
      capture: copy.isSafe ? copy.id ?? undefined : undefined,
      ms: Math.round(clock.monotonicMs() - startedMs),
    });
  }
}

/** The whole mail is here: makes its copy safe, then visible. */
async function keep(copy: MailCopy): Promise<void> {
  await copy.seal();
  await copy.commit({ outcome: "retrieved" });
}

function retrievalEnd(copy: MailCopy, event: SessionEvent): RetrievalEnd {
  if (copy.isSafe) return "captured";
  if (event.kind !== "block-ended") return "undelivered";
  return copy.state === "failed" ? "uncopied" : "known";
}
