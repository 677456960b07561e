import { MailteeError } from "../base/errors.ts";
import type { Connection } from "./types.ts";

/** So much is still taken from a peer after the last words to it. */
const MAX_UNREAD_BYTES = 256 * 1024;

/**
 * Ends a connection so that the peer gets what was written last: sends the end of the stream and drops what still comes
 * in, at most for `ms` milliseconds, before it closes. With bytes unread, closing at once would send a reset, which can
 * overtake the last reply. Never rejects.
 */
export async function closeAfterLastWords(connection: Connection, ms: number): Promise<void> {
  connection.setDeadline(ms);
  try {
    await connection.closeWrite();
    for (let left = MAX_UNREAD_BYTES; left > 0;) {
      left -= connection.buffered.length;
      connection.consume(connection.buffered.length);
      if (!await connection.fill()) return;
    }
  } catch (error) {
    if (!(error instanceof MailteeError)) throw error;
  } finally {
    connection.close();
  }
}
