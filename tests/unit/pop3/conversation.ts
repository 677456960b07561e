import { decodeLatin1, encodeUtf8 } from "../../../src/base/bytes.ts";
import { parseCommand } from "../../../src/pop3/command.ts";
import { statusOf } from "../../../src/pop3/reply.ts";
import { step } from "../../../src/pop3/session.ts";
import {
  type Effect,
  initialState,
  nextLine,
  type SessionEvent,
  type SessionSettings,
  type SessionState,
} from "../../../src/pop3/session_state.ts";
import { UidIndex } from "../../../src/pop3/uid_index.ts";

export const settings: SessionSettings = {
  offersStls: true,
  requireTlsForAuth: false,
  maxErrors: 3,
  wholeMailTopLines: 10_000,
};

/**
 * The reducer with somebody on either side. Each call gives the effects as text: "T: line" for the target, "C: reply"
 * for the client, else the effect's name. Captures begin at once unless `captureFails`.
 */
export class Conversation {
  state: SessionState;
  captureFails = false;
  readonly uids = new UidIndex();

  constructor(changes: Partial<SessionSettings> = {}, clientTls = false) {
    this.state = initialState({ ...settings, ...changes }, clientTls);
  }

  /** A line from the client, as command or response, whichever is due. */
  client(line: string): string[] {
    switch (nextLine(this.state)) {
      case "command":
        return this.tell({ kind: "command", parsed: parseCommand(encodeUtf8(line)) });
      case "response":
        return this.tell({ kind: "response", line: encodeUtf8(line) });
      case null:
        return ["not read"];
    }
  }

  /** A line from the target outside of a block. */
  target(line: string): string[] {
    const bytes = encodeUtf8(line);
    return this.tell({ kind: "status", status: statusOf(bytes), line: bytes });
  }

  /** The lines of the block under way, without the end marker. */
  block(...lines: string[]): string[] {
    const what = this.state.block?.what;
    if (what === "uidl" || what === "own-uidl") {
      for (const line of lines) this.uids.add(encodeUtf8(line));
      this.uids.complete();
    }
    return this.tell({ kind: "block-ended", lines });
  }

  tell(event: SessionEvent): string[] {
    const { state, effects } = step(this.state, event, this.uids);
    this.state = state;
    return effects.flatMap((effect) => this.#carryOut(effect));
  }

  /** USER, PASS, and for PIPELINING a CAPA before. */
  logIn(options: { readonly pipelining?: boolean } = {}): this {
    if (options.pipelining) {
      this.client("CAPA");
      this.target("+OK");
      this.block("PIPELINING");
    }
    this.client("USER anna");
    this.target("+OK");
    this.client("PASS secret");
    this.target("+OK");
    return this;
  }

  #carryOut(effect: Effect): string[] {
    switch (effect.do) {
      case "forward":
        return [`T: ${decodeLatin1(effect.line)}`];
      case "answer":
        return [`C: ${decodeLatin1(effect.reply).replace(/\r\n$/, "").replaceAll("\r\n", "|")}`];
      case "read-block":
        return [`read ${effect.block.what}`];
      case "begin-capture":
        return [
          `capture ${effect.number} ${this.uids.uidOf(effect.number)}`,
          ...this.tell({ kind: this.captureFails ? "capture-refused" : "capture-begun" }),
        ];
      case "note-uid":
        this.uids.addAnswer(effect.line);
        return [];
      case "note-no-uid":
        this.uids.refuse(effect.number);
        return [];
      case "start-client-tls":
        return ["tls", ...this.tell({ kind: "client-tls-started" })];
      case "drop-capture":
        return ["drop"];
      case "end":
        return [`end ${effect.reason}${effect.cut ? " cut" : ""}`];
    }
  }
}
