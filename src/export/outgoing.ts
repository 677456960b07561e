import type { Archive, MailSummary } from "../archive/types.ts";
import type { Query } from "../archive/query.ts";
import { hasCode, type MailteeError } from "../base/errors.ts";
import type { Octets, OutgoingMail } from "./types.ts";

const PAGE_MAILS = 200;

/** Mails up to this size are held whole; larger ones are read twice, so that nothing damaged goes out. */
const WHOLE_BYTES = 4 * 1024 * 1024;

/** A mail that can't go out, since the archive's content of it is lost or damaged. */
export interface LostMail {
  readonly sha256: string;
  readonly error: MailteeError;
}

/**
 * The mails that a query finds, newest first, their content verified before they are given. `lost` hears of those that
 * are damaged; they are passed over. Ends with the signal's reason once it is aborted.
 */
export async function* outgoingMails(
  archive: Archive,
  query: Query,
  options: { readonly signal: AbortSignal; readonly lost: (mail: LostMail) => void },
): AsyncGenerator<OutgoingMail, void, undefined> {
  let after: string | null = null;
  do {
    const page = await archive.catalog.search(query, { limit: PAGE_MAILS, ...after === null ? {} : { after } });
    for (const summary of page.mails) {
      options.signal.throwIfAborted();
      try {
        const content = await verifiedContent(archive, summary);
        yield await outgoingMail(archive, summary, content);
      } catch (error) {
        if (!hasCode(error, "damaged", "not-found")) throw error;
        options.lost({ sha256: summary.sha256, error });
      }
    }
    after = page.next;
  } while (after !== null);
}

async function outgoingMail(archive: Archive, summary: MailSummary, content: Octets): Promise<OutgoingMail> {
  const { sha256, size, date, subject } = summary;
  const [first] = await archive.catalog.captures(sha256);
  const sender = first?.addresses.find(({ role }) => role === "sender")?.address ?? "";
  return { sha256, size, date: new Date(date), subject, sender, content };
}

async function verifiedContent({ store }: Archive, { sha256, size }: MailSummary): Promise<Octets> {
  if (size <= WHOLE_BYTES) return once(await store.read(sha256));
  for await (const _octets of store.open(sha256));
  return store.open(sha256);
}

async function* once(octets: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  yield octets;
}
