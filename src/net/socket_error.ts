import { errorText, MailteeError } from "../base/errors.ts";
import { errorNumber } from "../base/files.ts";

/** What system errors of a socket mean, by their POSIX name. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNRESET: "was reset by the other side",
  EPIPE: "was closed by the other side",
  EINTR: "was closed",
  ECANCELED: "was closed",
  EBADF: "was closed",
  ETIMEDOUT: "broke off: the other side is no longer heard of",
  EHOSTUNREACH: "broke off: there is no way to the host any more",
  ENETUNREACH: "broke off: there is no way to the network any more",
  ENETDOWN: "broke off: this machine's network is down",
};

/** What went wrong with an open connection, as "connection-lost"; a MailteeError passes as it is. */
export function connectionError(error: unknown, peer: string): MailteeError {
  if (error instanceof MailteeError) return error;
  const meaning = lossMeaning(error) ?? `failed: ${errorText(error)}`;
  return new MailteeError("connection-lost", `the connection to ${peer} ${meaning}`, { cause: error });
}

/** True where an error says that the connection is no more. */
export function isLoss(error: unknown): boolean {
  return lossMeaning(error) !== undefined;
}

function lossMeaning(error: unknown): string | undefined {
  if (error instanceof Deno.errors.BadResource) return MEANINGS.EBADF;
  if (error instanceof Deno.errors.UnexpectedEof) return MEANINGS.EPIPE;
  return MEANINGS[errorNumber(error) ?? ""];
}
