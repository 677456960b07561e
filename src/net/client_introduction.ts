import { MailteeError } from "../base/errors.ts";
import type { TcpConnection } from "./connection.ts";
import { takeProxyHeader } from "./proxy_header.ts";

/** What of a connection it takes. */
type Introduced = Pick<TcpConnection, "buffered" | "consume" | "fill" | "setDeadline" | "standFor">;

/**
 * Reads the PROXY header that a load balancer's connection has to begin with, and makes the connection stand for the
 * client that it names; for the load balancer itself where it names none. What comes behind the header stays buffered.
 *
 * Rejects with MailteeError "protocol" where no header comes first, "timeout" where it isn't there in time, and
 * "connection-lost".
 */
export async function introduceClient(connection: Introduced, timeoutMs: number): Promise<void> {
  connection.setDeadline(timeoutMs);
  for (;;) {
    const scan = takeProxyHeader(connection.buffered);
    switch (scan.kind) {
      case "header":
        connection.consume(scan.consumed);
        connection.setDeadline(null);
        return scan.client === null ? undefined : connection.standFor(scan.client);
      case "malformed":
        throw new MailteeError("protocol", scan.problem);
      case "more":
        if (!await connection.fill()) throw new MailteeError("connection-lost", "it closed before its PROXY header");
    }
  }
}
