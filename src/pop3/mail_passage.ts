/** One mail on its way to the client and into its copy; its end goes to the client when the copy is safe. */

import { createHash, hash } from "node:crypto";
import type { MailCopy } from "../drop/mail_copy.ts";
import { type DotStep, END_MARKER } from "../net/dot_stream.ts";
import type { RetrievalEnd } from "./counters.ts";
import { localReplies } from "./local_replies.ts";
import type { OutgoingMail } from "./outbox.ts";
import { withCrLf } from "./reply.ts";
import type { SeenMail } from "./seen.ts";
import type { SessionParts } from "./session_parts.ts";
import type { Block } from "./session_state.ts";
import { BodyLines } from "./top_lines.ts";

/** A retrieval that the target was asked for, or is about to be. */
export interface Retrieval {
  readonly user: string | null;
  readonly uid: string | null;
  readonly number: number;
  readonly copy: MailCopy;
  readonly startedMs: number;
}

export type MailBlock = Block & { what: "mail" };

/** Why a mail doesn't come to its end. */
export type PassageBreak = "client-lost" | "target-lost" | "copy-failed";

const NOTHING = new Uint8Array(0);

/** Nothing here throws or rejects: what goes wrong shows in what the client gets, in the log and in the counters. */
export class MailPassage {
  readonly #parts: SessionParts;
  readonly #retrieval: Retrieval;
  readonly #block: MailBlock;
  readonly #outgoing: OutgoingMail;
  /** Only where it decides whether the mail is captured, and only of a mail in several pieces. */
  #hash: ReturnType<typeof createHash> | null = null;
  /** Of the whole mail. */
  #sha256: string | null = null;
  readonly #bodyLines: BodyLines | null;
  readonly #onDelivered: (octets: number) => void;
  #statusAdded = false;

  constructor(
    retrieval: Retrieval,
    block: MailBlock,
    parts: SessionParts,
    onDelivered: (octets: number) => void,
  ) {
    this.#parts = parts;
    this.#retrieval = retrieval;
    this.#block = block;
    this.#outgoing = parts.client.beginMail();
    this.#bodyLines = block.lines === null ? null : new BodyLines();
    this.#onDelivered = onDelivered;
  }

  /** The client may have seen some of it. */
  get begun(): boolean {
    return this.#outgoing.begun;
  }

  /** The mail can't come to its end, nor can an error be given in its place. */
  get isSpoilt(): boolean {
    return this.#retrieval.copy.forbidsDelivery && this.begun;
  }

  /** Takes the mail's next octets, in memory that doesn't change any more. */
  push(piece: DotStep): void {
    const { copy } = this.#retrieval;
    copy.write(piece.content, true);
    if (this.#mayBeKnown) this.#addToHash(piece);
    this.#bodyLines?.push(piece.content);
    // A client that has seen nothing yet gets an -ERR at the end; until then the target is read on.
    if (copy.forbidsDelivery) return this.#outgoing.hold();
    if (!this.#statusAdded) this.#outgoing.append(withCrLf(this.#block.status));
    this.#statusAdded = true;
    this.#outgoing.append(piece.wire);
  }

  /**
   * The whole mail is here. Its copy is kept, unless this is not all of the mail, or one that was captured before.
   * Copies are made safe at the same time, but become visible and let their mails go one after the other: that of each
   * mail after `before`. So a client that is lost leaves no copies of mails that it got nothing of.
   */
  end(before: Promise<void>): Promise<void> {
    const { copy } = this.#retrieval;
    if (copy.forbidsDelivery) return this.#keep(null, before);
    const { lines } = this.#block;
    const isPart = lines !== null && this.#bodyLines !== null && this.#bodyLines.count >= lines;
    const mail = isPart ? null : this.#identity();
    const isKnown = mail !== null && this.#parts.seen?.has(mail) === true;
    if (!isPart && !isKnown) return this.#keep(mail, before);
    copy.abort();
    this.#outgoing.release(END_MARKER);
    if (isKnown) this.#report("known");
    return before;
  }

  /** The mail doesn't come to its end, and leaves nothing. */
  breakOff(reason: PassageBreak): void {
    if (this.begun) this.#outgoing.release(NOTHING);
    else this.#outgoing.replace(NOTHING);
    this.#giveUp(reason);
  }

  async #keep(mail: SeenMail | null, before: Promise<void>): Promise<void> {
    const { client, seen, settings: { timeouts } } = this.#parts;
    const { copy } = this.#retrieval;
    this.#outgoing.hold();
    await copy.seal();
    await before;
    if (client.outputLoss !== null) return this.#giveUp("client-lost");
    if (copy.forbidsDelivery) return this.#refuse();
    await copy.commit({ outcome: "retrieved" });
    if (mail !== null && copy.state === "kept") seen?.add(mail);
    this.#outgoing.release(END_MARKER);
    client.send(timeouts.dataBlockMs);
    this.#report(copy.isSafe ? "captured" : "uncopied");
  }

  /** There's no copy, so nothing of the mail may go on. */
  #refuse(): void {
    const { client, settings: { timeouts } } = this.#parts;
    this.#giveUp("copy-failed");
    if (this.isSpoilt) return client.cut("copy-failed");
    this.#outgoing.replace(localReplies.copyFailed);
    client.send(timeouts.dataBlockMs);
  }

  #giveUp(reason: PassageBreak): void {
    this.#retrieval.copy.abort();
    this.#report("undelivered", reason);
  }

  #addToHash({ content, ended }: DotStep): void {
    if (ended && this.#hash === null) {
      this.#sha256 = hash("sha256", content, "hex");
      return;
    }
    this.#hash ??= createHash("sha256");
    this.#hash.update(content);
    if (ended) this.#sha256 = this.#hash.digest("hex");
  }

  /** What tells the mail from others; null where it doesn't matter whether it was captured before. */
  #identity(): SeenMail | null {
    const { uid, user } = this.#retrieval;
    if (this.#sha256 === null || uid === null) return null;
    const { host, port } = this.#parts.settings.target;
    return { account: `${host}:${port}/${user}`, uid, sha256: this.#sha256 };
  }

  get #mayBeKnown(): boolean {
    const { uid, user } = this.#retrieval;
    return this.#parts.seen !== null && uid !== null && user !== null;
  }

  #report(end: RetrievalEnd, reason?: PassageBreak): void {
    const { id, client, settings, clock, log, counters } = this.#parts;
    const { copy, user, uid, number, startedMs } = this.#retrieval;
    if (end !== "undelivered") this.#onDelivered(copy.size);
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
      reason,
      partlySent: end === "undelivered" ? this.begun : undefined,
      capture: copy.isSafe ? copy.id ?? undefined : undefined,
      ms: Math.round(clock.monotonicMs() - startedMs),
    });
  }
}
