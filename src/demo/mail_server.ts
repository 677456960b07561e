import { type Account, Mailboxes } from "./mailboxes.ts";
import { servePop3 } from "./pop3_service.ts";
import { serveSmtp } from "./smtp_service.ts";
import { Wire } from "./wire.ts";

export interface MailServerOptions {
  readonly accounts: readonly Account[];
  /** @default "mail.provider.example" */
  readonly hostname?: string;
  /** Ports on 127.0.0.1. @default chosen by the system */
  readonly ports?: { readonly smtp: number; readonly pop3: number };
  /** Whether MAIL needs AUTH before it. @default false */
  readonly requireAuthentication?: boolean;
  /** Largest mail that is taken, in octets. @default 50 million */
  readonly maxMailBytes?: number;
  /** The reply to RCPT for an address that isn't taken, `"550 5.1.1 No such user"`; null takes it. @default takes all */
  readonly refuseRecipient?: (address: string) => string | null;
}

/** A running mail server. */
export interface MailServer {
  readonly smtpPort: number;
  readonly pop3Port: number;
  readonly mailboxes: Mailboxes;
  /** Closes both ports and every session, and waits until they are closed. Safe to call more than once. */
  close(): Promise<void>;
}

/**
 * Starts a mail server on loopback that keeps everything in memory: SMTP takes mail for anybody, POP3 serves the
 * accounts. What was sent comes back byte for byte. It stands for the provider in the demo and in tests.
 */
export function startMailServer(options: MailServerOptions): MailServer {
  const mailboxes = new Mailboxes(options.accounts);
  const hostname = options.hostname ?? "mail.provider.example";
  const smtpOptions = {
    hostname,
    maxMailBytes: options.maxMailBytes ?? 50_000_000,
    requireAuthentication: options.requireAuthentication ?? false,
    refuseRecipient: options.refuseRecipient ?? (() => null),
  };
  const smtp = serve(options.ports?.smtp ?? 0, (wire) => serveSmtp(wire, mailboxes, smtpOptions));
  const pop3 = serve(options.ports?.pop3 ?? 0, (wire) => servePop3(wire, mailboxes, hostname));
  return {
    smtpPort: smtp.port,
    pop3Port: pop3.port,
    mailboxes,
    close: async () => {
      await Promise.all([smtp.close(), pop3.close()]);
    },
  };
}

/** Accepts connections and runs one session on each. A session that fails ends alone. */
function serve(port: number, session: (wire: Wire) => Promise<void>): { port: number; close(): Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const open = new Set<Deno.Conn>();
  const sessions = new Set<Promise<void>>();
  const runSession = async (connection: Deno.TcpConn) => {
    open.add(connection);
    connection.setNoDelay();
    try {
      await session(new Wire(connection));
    } catch {
      // The client broke off or broke the protocol; nothing of the session was kept.
    } finally {
      if (open.delete(connection)) connection.close();
    }
  };
  const accepting = (async () => {
    for await (const connection of listener) {
      const running = runSession(connection);
      sessions.add(running);
      running.finally(() => sessions.delete(running));
    }
  })();
  const close = async () => {
    listener.close();
    await accepting;
    for (const connection of open) {
      open.delete(connection);
      connection.close();
    }
    await Promise.all(sessions);
  };
  let closing: Promise<void> | undefined;
  return { port: listener.addr.port, close: () => closing ??= close() };
}
