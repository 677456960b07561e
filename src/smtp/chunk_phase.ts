/** BDAT (RFC 3030): the mail as counted octets, in one or more chunks. */

import { readReply } from "./leg.ts";
import type { MailEnd } from "./mail_end.ts";
import { commandLine, type MailTransfer } from "./mail_transfer.ts";
import type { Reply } from "./reply.ts";

/** What came of one chunk: the mail goes on with the next one, or has ended. */
export type ChunkEnd =
  | { readonly kind: "chunk-answered"; readonly reply: Reply }
  | { readonly kind: "mail-ended"; readonly end: MailEnd };

const noOctets = new Uint8Array(0);

/**
 * Sends one chunk, octets exact. Of the last chunk a piece is held back until the copy is safe (with `BDAT 0 LAST`, the
 * command itself). Chunks that the client sends in one go are sent on one by one: each waits for the reply before it.
 */
export async function transferChunk(mail: MailTransfer, size: number, last: boolean): Promise<ChunkEnd> {
  const { target, copy, options } = mail;
  if (copy.forbidsDelivery) return mailEnded(await skipAfter(mail, size));
  mail.begin();
  mail.client.allow(options.timeouts.dataMs);
  target.allow(null);
  target.listen();
  try {
    target.append(commandLine(last ? `BDAT ${size} LAST` : `BDAT ${size}`));
    const end = await relayOctets(mail, size, last);
    if (end !== null) return mailEnded(end);
    target.allow(options.timeouts.targetMs);
    await target.flush();
    const wait = await readReply(target, options.timeouts.targetMs);
    if (wait.kind === "lost") return mailEnded(mail.stop({ kind: "target-lost", stage: "during", loss: wait.loss }));
    return { kind: "chunk-answered", reply: wait.reply };
  } finally {
    mail.finish();
  }
}

/** Relays `size` octets; gives the end of the mail, or null where more chunks follow. */
async function relayOctets(mail: MailTransfer, size: number, last: boolean): Promise<MailEnd | null> {
  const { client } = mail;
  for (let left = size; left > 0;) {
    if (client.buffered.length === 0) {
      const lost = await mail.more();
      if (lost !== null) return lost;
    }
    const piece = client.buffered.subarray(0, left);
    await mail.take(piece);
    left -= piece.length;
    if (left === 0 && last) {
      const end = mail.stopped ?? await mail.complete(piece, noOctets);
      client.connection.consume(piece.length);
      return end;
    }
    await mail.send(piece);
    client.connection.consume(piece.length);
  }
  if (last) return mail.stopped ?? await mail.complete(noOctets, noOctets);
  return mail.stopped;
}

/** The copy couldn't be begun, and the target has heard nothing: only the client's octets have to be got rid of. */
async function skipAfter(mail: MailTransfer, size: number): Promise<MailEnd> {
  const { client, copy, options } = mail;
  client.allow(options.timeouts.drainMs);
  const skipped = await skipOctets(client, size);
  return skipped
    ? { kind: "copy-failed", stage: "before", noSpace: copy.noSpace }
    : { kind: "client-lost", how: client.loss ?? "closed" };
}

/** Reads octets and drops them; false where the client was lost on the way. */
export async function skipOctets(client: MailTransfer["client"], size: number): Promise<boolean> {
  for (let left = size; left > 0;) {
    if (client.buffered.length === 0 && !(await client.more())) return false;
    const count = Math.min(left, client.buffered.length);
    client.connection.consume(count);
    left -= count;
  }
  return true;
}

function mailEnded(end: MailEnd): ChunkEnd {
  return { kind: "mail-ended", end };
}
