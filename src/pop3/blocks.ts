/** Multi-line replies (RFC 1939 section 3), read to their end and passed on or taken note of. */

import { decodeUtf8 } from "../base/bytes.ts";
import { DotReader, type DotStep, END_MARKER } from "../net/dot_stream.ts";
import type { Leg, LegLoss } from "./leg.ts";
import { LfBlockReader } from "./lf_block.ts";
import type { Block, SessionEvent } from "./session_state.ts";
import { LineSplitter, type UidIndex } from "./uid_index.ts";

/** Octets that are read at once while a block flows, and while lines are exchanged. */
const BLOCK_READ_BYTES = 64 * 1024;
const LINE_READ_BYTES = 2048;
/** Lines of a list of capabilities or mechanisms that are kept. */
const MAX_LIST_LINES = 200;

/** What came of reading a block: its end, the target's, or the taker's wish to stop. */
export type BlockEnd = "ended" | "stopped" | LegLoss;

/**
 * Reads a block from the target. `take` gets it piece by piece, valid until it resolves, and gives false to stop; the
 * last piece may be empty. Nothing is read from the target while `take` works, so a slow client slows the target.
 */
export async function readBlock(
  target: Leg,
  options: { readonly pieceMs: number; readonly endsLinesWithLf: boolean },
  take: (piece: DotStep) => boolean | Promise<boolean>,
): Promise<BlockEnd> {
  const reader = options.endsLinesWithLf ? new LfBlockReader() : new DotReader({ bareNewline: "keep" });
  target.connection.setReadSize(BLOCK_READ_BYTES);
  try {
    for (;;) {
      while (target.buffered.length === 0) {
        if (!await target.more(options.pieceMs)) return target.inputLoss ?? "closed";
      }
      const piece = reader.push(target.buffered);
      const goesOn = await take(piece);
      target.connection.consume(piece.consumed);
      if (piece.ended) return "ended";
      if (!goesOn) return "stopped";
    }
  } finally {
    target.connection.setReadSize(LINE_READ_BYTES);
    target.allow(null);
  }
}

/** Reads any block but a mail, and does with it what the reducer wants. */
export class BlockRelay {
  readonly #client: Leg;
  readonly #target: Leg;
  readonly #pieceMs: number;
  readonly #uids: UidIndex;

  constructor(
    parts: { readonly client: Leg; readonly target: Leg; readonly uids: UidIndex; readonly pieceMs: number },
  ) {
    this.#client = parts.client;
    this.#target = parts.target;
    this.#pieceMs = parts.pieceMs;
    this.#uids = parts.uids;
  }

  async relay(block: Exclude<Block, { what: "mail" }>, endsLinesWithLf: boolean): Promise<SessionEvent> {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => this.#takeLine(block, line, lines));
    const passes = block.what === "pass" || block.what === "uidl";
    const options = { pieceMs: this.#pieceMs, endsLinesWithLf };
    const end = await readBlock(this.#target, options, (piece) => {
      if (block.what !== "pass" && block.what !== "discard") splitter.push(piece.content);
      return !passes || this.#pass(piece);
    });
    if (end === "stopped") return { kind: "client-lost", how: this.#client.outputLoss ?? "closed" };
    if (end !== "ended") return { kind: "target-lost", how: end, midReply: passes };
    if (block.what === "uidl" || block.what === "own-uidl") this.#uids.complete();
    return { kind: "block-ended", lines };
  }

  /** False where the client takes nothing more. */
  async #pass(piece: DotStep): Promise<boolean> {
    this.#client.append(piece.wire);
    if (piece.ended) this.#client.append(END_MARKER);
    return await this.#client.flush(this.#pieceMs);
  }

  #takeLine(block: Block, line: Uint8Array, lines: string[]): void {
    if (block.what === "uidl" || block.what === "own-uidl") this.#uids.add(line);
    else if (lines.length < MAX_LIST_LINES) lines.push(decodeUtf8(line).trimEnd());
  }
}
