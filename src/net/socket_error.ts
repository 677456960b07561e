import { errorText, MailteeError } from "../base/errors.ts";

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
  const meaning = error instanceof Deno.errors.BadResource ? "was closed" : MEANINGS[systemCode(error)];
  return new MailteeError("connection-lost", `the connection to ${peer} ${meaning ?? `failed: ${errorText(error)}`}`, {
    cause: error,
  });
}

/** The POSIX name of a system error ("ECONNRESET"); empty where there is none. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** What went wrong in a TLS handshake, as "tls"; a MailteeError passes as it is. */
export function handshakeError(error: unknown, peer: string): MailteeError {
  if (error instanceof MailteeError) return error;
  const lost = error instanceof Deno.errors.BadResource ? "was closed" : MEANINGS[systemCode(error)];
  if (lost !== undefined) return connectionError(error, `${peer} during the TLS handshake`);
  return new MailteeError("tls", `the TLS handshake with ${peer} failed: ${errorText(error)}`, { cause: error });
}
