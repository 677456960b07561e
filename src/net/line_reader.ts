import type { Connection } from "./types.ts";

const CR = 13;
const LF = 10;

/**
 * What to make of an LF without a CR before it. "accept-lf": it ends the line, as Postfix, Exim and most POP3 clients
 * take it; safe where the line is read and written anew, so that both sides see the same lines. "reject": it is
 * reported.
 */
export type BareNewline = "reject" | "accept-lf";

export interface LineOptions {
  /** The longest line, its line end included, as the RFCs count (RFC 5321 section 4.5.3.1). */
  readonly maxBytes: number;
  /** @default "reject" */
  readonly bareNewline?: BareNewline;
}

/** A line that is all there. */
export type WholeLine =
  /** A line without its line end, in memory of its own. NUL and other control characters are the caller's to judge. */
  | { readonly kind: "line"; readonly line: Uint8Array<ArrayBuffer> }
  /**
   * A line, in memory of its own, with a CR inside, or (`"reject"` only) ended by a bare LF. It is reported at that LF,
   * since a client that ends its lines so sends nothing more until it is answered. What comes next may be the rest of
   * what the peer took for one line: refuse, and end the session.
   */
  | { readonly kind: "bare-newline"; readonly line: Uint8Array<ArrayBuffer>; readonly bare: "cr" | "lf" };

export type LineRead =
  | WholeLine
  /** A line over the limit; it has been read to its end and thrown away. */
  | { readonly kind: "too-long" }
  /** The peer's end of the stream; `partial` where it came in the middle of a line. */
  | { readonly kind: "end"; readonly partial: boolean };

export type TakenLine =
  /** `consumed` bytes of the buffer make up the line and its end. */
  | { readonly kind: "whole"; readonly line: WholeLine; readonly consumed: number }
  /** `consumed` is 0 where the end of the line isn't in the buffer yet. */
  | { readonly kind: "too-long"; readonly consumed: number }
  | { readonly kind: "more" };

/**
 * The first line of a buffer. `from` spares what an earlier call has searched: give the length of the buffer as it was
 * when that call gave "more".
 */
export function takeLine(buffer: Uint8Array, options: LineOptions, from = 0): TakenLine {
  const end = buffer.indexOf(LF, from);
  if (end < 0 && buffer.length < options.maxBytes) return { kind: "more" };
  if (end < 0 || end >= options.maxBytes) return { kind: "too-long", consumed: end + 1 };
  const consumed = end + 1;
  const endsInCrlf = buffer[end - 1] === CR;
  const line = new Uint8Array(buffer.subarray(0, endsInCrlf ? end - 1 : end));
  const bare = !endsInCrlf && options.bareNewline !== "accept-lf" ? "lf" : line.includes(CR) ? "cr" : null;
  return {
    kind: "whole",
    line: bare === null ? { kind: "line", line } : { kind: "bare-newline", line, bare },
    consumed,
  };
}

/**
 * Reads the next line of a connection, a client's command as well as a server's reply, and consumes it. However long a
 * line is, no more than the limit and one read are held.
 *
 * Rejects as `Connection.fill` does; a line that was begun stays buffered, unless it was too long already: then the
 * next call gives the rest of it.
 */
export async function readLine(
  connection: Pick<Connection, "buffered" | "consume" | "fill">,
  options: LineOptions,
): Promise<LineRead> {
  for (let searched = 0;;) {
    const { buffered } = connection;
    const taken = takeLine(buffered, options, searched);
    if (taken.kind === "more") {
      searched = buffered.length;
      if (!await connection.fill()) return { kind: "end", partial: searched > 0 };
      continue;
    }
    if (taken.kind === "whole") {
      connection.consume(taken.consumed);
      return taken.line;
    }
    return await skipLine(connection) ? { kind: "too-long" } : { kind: "end", partial: true };
  }
}

/** Consumes up to and with the next LF; false where the stream ends before. */
async function skipLine(connection: Pick<Connection, "buffered" | "consume" | "fill">): Promise<boolean> {
  for (;;) {
    const { buffered } = connection;
    const end = buffered.indexOf(LF);
    if (end >= 0) {
      connection.consume(end + 1);
      return true;
    }
    connection.consume(buffered.length);
    if (!await connection.fill()) return false;
  }
}
