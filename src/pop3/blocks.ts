/** Multi-line replies (RFC 1939 section 3), read to their end and passed on or taken note of. */

import { decodeUtf8 } from "../base/bytes.ts";
import { DotReader, type DotStep, END_MARKER } from "../net/dot_stream.ts";
import type { LegLoss } from "./leg.ts";
import { LfBlockReader } from "./lf_block.ts";
import type { SessionParts } from "./session_parts.ts";
import type { Block, SessionEvent } from "./session_state.ts";
import { LineSplitter, type UidIndex } from "./uid_index.ts";

/** Lines of a list of capabilities or mechanisms that are kept. */
const MAX_LIST_LINES = 200;

/** What came of reading a block: its end, the target's, or the taker's wish to stop. */
export type BlockEnd = "ended" | "stopped" | LegLoss;

/** What a block is read with. */
type BlockParts = Pick<SessionParts, "client" | "target" | "bell" | "settings">;

/**
 * Reads a block from the target. `take` gets it piece by piece, valid until it returns, and gives false to stop; the
 * last piece may be empty. Nothing is read from the target before `take` is done, so a slow client slows the target;
 * while the target is waited for, the client gets what may go. A client that is lost stops it, too.
 */
export async function readBlock(
  parts: BlockParts,
  endsLinesWithLf: boolean,
  take: (piece: DotStep) => boolean | Promise<boolean>,
): Promise<BlockEnd> {
  const { target } = parts;
  const reader = endsLinesWithLf ? new LfBlockReader() : new DotReader({ bareNewline: "keep" });
  for (;;) {
    const loss = target.buffered.length > 0 ? null : await nextPiece(parts);
    if (loss !== null) return loss;
    const piece = reader.push(target.buffered);
    const taken = take(piece);
    target.connection.consume(piece.consumed);
    const goesOn = typeof taken === "boolean" ? taken : await taken;
    if (piece.ended) return "ended";
    if (!goesOn) return "stopped";
  }
}

/** Waits for more of a block; null where it has come. */
async function nextPiece({ client, target, bell, settings }: BlockParts): Promise<Exclude<BlockEnd, "ended"> | null> {
  const { dataBlockMs } = settings.timeouts;
  client.send(dataBlockMs);
  target.allow(dataBlockMs);
  while (target.buffered.length === 0) {
    if (client.outputLoss !== null) return "stopped";
    if (target.inputLoss !== null) return target.inputLoss;
    target.listen();
    await bell.wait();
  }
  target.allow(null);
  return null;
}

/** Reads any block but a mail, and does with it what the reducer wants. */
export class BlockRelay {
  readonly #parts: BlockParts;
  readonly #uids: UidIndex;

  constructor(parts: BlockParts, uids: UidIndex) {
    this.#parts = parts;
    this.#uids = uids;
  }

  async relay(block: Exclude<Block, { what: "mail" }>, endsLinesWithLf: boolean): Promise<SessionEvent> {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => this.#takeLine(block, line, lines));
    const passes = block.what === "pass" || block.what === "uidl";
    const end = await readBlock(this.#parts, endsLinesWithLf, (piece) => {
      if (block.what !== "pass" && block.what !== "discard") splitter.push(piece.content);
      return !passes || this.#pass(piece);
    });
    if (end === "stopped") return { kind: "client-lost", how: this.#parts.client.outputLoss ?? "closed" };
    if (end !== "ended") return { kind: "target-lost", how: end, midReply: passes };
    if (block.what === "uidl" || block.what === "own-uidl") this.#uids.complete();
    return { kind: "block-ended", lines };
  }

  /** False where the client takes nothing more. */
  #pass(piece: DotStep): boolean | Promise<boolean> {
    const { client, settings } = this.#parts;
    client.append(piece.wire.slice());
    if (piece.ended) client.append(END_MARKER);
    return client.room(settings.timeouts.dataBlockMs);
  }

  #takeLine(block: Block, line: Uint8Array, lines: string[]): void {
    if (block.what === "uidl" || block.what === "own-uidl") this.#uids.add(line);
    else if (lines.length < MAX_LIST_LINES) lines.push(decodeUtf8(line).trimEnd());
  }
}
