/** DATA (RFC 5321 section 4.1.1.4): the mail as lines, ended by a line with a single dot. */

import { DotReader, END_MARKER } from "../net/dot_stream.ts";
import { readReply } from "./leg.ts";
import type { MailEnd } from "./mail_end.ts";
import { commandLine, type MailTransfer } from "./mail_transfer.ts";

const DATA = commandLine("DATA");

/**
 * Sends one mail by DATA. The copy was begun before, so that a folder that can't take it does no harm yet. The target
 * never gets the end of a mail whose copy isn't safe; a client never hears of success before.
 */
export async function transferData(mail: MailTransfer): Promise<MailEnd> {
  const { copy } = mail;
  if (copy.forbidsDelivery) return { kind: "copy-failed", stage: "before", noSpace: copy.noSpace };
  mail.begin();
  try {
    return await askAndRelay(mail);
  } finally {
    mail.finish();
  }
}

async function askAndRelay(mail: MailTransfer): Promise<MailEnd> {
  const { client, target, copy, options } = mail;
  // Listening also while the target is asked shows who doesn't wait for it.
  client.listen();
  target.append(DATA);
  target.allow(options.timeouts.dataStartMs);
  await target.flush();
  const start = await readReply(target, options.timeouts.dataStartMs);
  if (start.kind === "lost") return mail.stop({ kind: "target-lost", stage: "before", loss: start.loss });
  if (start.reply.code !== 354) {
    copy.abort();
    return { kind: "not-started", reply: start.reply };
  }
  if (client.buffered.length > 0) return mail.stop({ kind: "early-talk" });
  client.append(start.reply.bytes);
  client.allow(options.timeouts.dataMs);
  target.allow(null);
  target.listen();
  await client.flush();
  return await relayLines(mail);
}

/** Reads to the true end of the mail, whatever happens on the way. */
async function relayLines(mail: MailTransfer): Promise<MailEnd> {
  const { client, options } = mail;
  const reader = new DotReader({ bareNewline: options.bareNewline });
  for (;;) {
    if (client.buffered.length === 0) {
      const lost = await mail.more();
      if (lost !== null) return lost;
    }
    const piece = reader.push(client.buffered);
    await mail.take(piece.content);
    if (!piece.ended) {
      await mail.send(piece.wire);
      client.connection.consume(piece.consumed);
      continue;
    }
    if (options.bareNewline === "reject" && piece.offence !== null) {
      mail.stop({ kind: "refused-octets", offence: piece.offence });
    }
    const end = mail.stopped ?? await mail.complete(piece.wire, END_MARKER);
    client.connection.consume(piece.consumed);
    return end;
  }
}
