/** One step of the session reducer in the making. */

import { localReplies } from "./local_replies.ts";
import type { Effect, EndReason, Owed, SessionState } from "./session_state.ts";

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

  /** Passes a line on; its reply takes the last place in the queue. */
  forward(line: Uint8Array, owed: Owed): void {
    this.do({ do: "forward", line });
    this.set({ owed: [...this.state.owed, owed] });
  }

  /** Passes a line on whose reply takes the place of the oldest one owed. */
  forwardInstead(line: Uint8Array, owed: Owed): void {
    this.do({ do: "forward", line });
    this.replaceFirst(owed);
  }

  replaceFirst(owed: Owed): void {
    this.set({ owed: [owed, ...this.state.owed.slice(1)] });
  }

  /** The oldest reply has been dealt with. */
  settleFirst(): void {
    this.set({ owed: this.state.owed.slice(1) });
    this.releaseOwnReplies();
  }

  /** Answers once all replies before this one have been given. */
  answer(reply: Uint8Array, ends: EndReason | null = null): void {
    this.set({ owed: [...this.state.owed, { for: "own-reply", reply, ends }] });
    this.releaseOwnReplies();
  }

  /** Answers before all that is still owed. */
  answerNow(reply: Uint8Array): void {
    this.do({ do: "answer", reply });
  }

  /** Gives the proxy's own replies that nothing of the target's stands before any more. */
  releaseOwnReplies(): void {
    for (let [first] = this.state.owed; first?.for === "own-reply"; [first] = this.state.owed) {
      this.do({ do: "answer", reply: first.reply });
      this.set({ owed: this.state.owed.slice(1) });
      if (first.ends !== null) return this.end(first.ends);
    }
  }

  /** Answers a command that isn't passed on; too many of these end the session. */
  refuse(reply: Uint8Array): void {
    const errors = this.state.errors + 1;
    this.set({ errors });
    this.answer(reply);
    if (errors >= this.state.settings.maxErrors) this.answer(localReplies.tooManyErrors, "client-protocol");
  }

  end(reason: EndReason, cut = false): void {
    if (this.state.ended) return;
    this.do({ do: "end", reason, cut });
    this.set({ ended: true, owed: [], held: null, block: null });
  }
}
