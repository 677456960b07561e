/** One step of the session reducer in the making. */

import { encodeUtf8 } from "../base/bytes.ts";
import { localReplies } from "./local_replies.ts";
import type { Reply } from "./reply.ts";
import type { Effect, EndReason, Expected, SessionState } from "./session_state.ts";

const RSET = encodeUtf8("RSET");

/** Collects the new state and the effects of one event. */
export class Turn {
  state: SessionState;
  readonly effects: Effect[] = [];

  constructor(state: SessionState) {
    this.state = state;
  }

  set(change: Partial<SessionState>): void {
    this.state = { ...this.state, ...change };
  }

  do(effect: Effect): void {
    this.effects.push(effect);
  }

  /** Passes a line on; its reply takes a place in the queue. */
  forward(line: Uint8Array, expected: Expected & { from: "target" }): void {
    this.do({ do: "forward", line });
    this.set({ expected: [...this.state.expected, expected] });
  }

  /** Answers once all replies before this one have been given. */
  answer(reply: Reply, ends: EndReason | null = null): void {
    this.set({ expected: [...this.state.expected, { from: "proxy", reply, ends }] });
    this.releaseOwnReplies();
  }

  /** Answers before all that is still owed. */
  answerNow(reply: Reply): void {
    this.do({ do: "answer", reply });
  }

  /** Gives the proxy's own replies that nothing of the target's stands before any more. */
  releaseOwnReplies(): void {
    for (let [first] = this.state.expected; first?.from === "proxy"; [first] = this.state.expected) {
      this.do({ do: "answer", reply: first.reply });
      this.set({ expected: this.state.expected.slice(1) });
      if (first.ends !== null) return this.end(first.ends);
    }
    if (this.state.expected.length === 0 && this.state.groupEnded) this.set({ groupEnded: false });
  }

  /** Answers a command that isn't passed on, and counts it. */
  refuse(reply: Reply): void {
    this.answer(reply);
    this.countError();
  }

  /** Too many errors end the session. */
  countError(): void {
    const errors = this.state.errors + 1;
    this.set({ errors });
    if (errors >= this.state.settings.maxErrors) this.answer(localReplies.tooManyErrors, "client-protocol");
  }

  /** Ends the mail at the target without the client hearing of it. */
  resetTarget(): void {
    this.resetTransaction();
    this.forward(RSET, { from: "target", command: { verb: "RSET" }, instead: null });
  }

  resetTransaction(): void {
    this.abortCopy();
    this.set({ transaction: null });
  }

  /** Drops the copy of the chunks so far, where there is one. */
  abortCopy(): void {
    const chunks = this.state.transaction?.chunks ?? "none";
    if (chunks !== "none") this.do({ do: "abort-copy" });
  }

  cutTarget(): void {
    this.do({ do: "cut-target" });
    this.set({ targetGone: true });
  }

  end(reason: EndReason): void {
    if (this.state.ended) return;
    this.do({ do: "end", reason });
    this.set({ ended: true, expected: [] });
  }
}
