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

/** Takes a piece of a block, in memory that doesn't change any more; false to stop. */
type TakePiece = (piece: DotStep) => boolean | Promise<boolean>;

/**
 * Reads a block from the target. `take` gets it piece by piece; the last one may be empty. Nothing is read from the
 * target before `take` is done, so a slow client slows the target; while the target is waited for, the client gets what
 * may go. A client that is lost stops it, too. A block that is all there costs no promise.
 */
export function readBlock(parts: BlockParts, endsLinesWithLf: boolean, take: TakePiece): BlockEnd | Promise<BlockEnd> {
  const { target } = parts;
  const reader = endsLinesWithLf ? new LfBlockReader() : new DotReader({ bareNewline: "keep" });
  const takeBuffered = () => {
    const piece = reader.push(target.buffered);
    target.connection.detach(piece.consumed);
    const taken = take(piece);
    return typeof taken === "boolean" ? endAfter(piece, taken) : taken.then((goesOn) => endAfter(piece, goesOn));
  };
  const end = target.buffered.length > 0 ? takeBuffered() : null;
  return typeof end === "string" ? end : readOn(parts, takeBuffered, end);
}

type BlockEndSoFar = BlockEnd | null;

function endAfter({ ended }: DotStep, goesOn: boolean): BlockEndSoFar {
  if (ended) return "ended";
  return goesOn ? null : "stopped";
}

async function readOn(
  parts: BlockParts,
  takeBuffered: () => BlockEndSoFar | Promise<BlockEndSoFar>,
  first: Promise<BlockEndSoFar> | null,
): Promise<BlockEnd> {
  for (let end = await first;; end = await takeBuffered()) {
    if (end !== null) return end;
    const loss = await nextPiece(parts);
    if (loss !== null) return loss;
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
    client.append(piece.wire);
    if (piece.ended) client.append(END_MARKER);
    return client.room(settings.timeouts.dataBlockMs);
  }

  #takeLine(block: Block, line: Uint8Array, lines: string[]): void {
    if (block.what === "uidl" || block.what === "own-uidl") this.#uids.add(line);
    else if (lines.length < MAX_LIST_LINES) lines.push(decodeUtf8(line).trimEnd());
  }
}
