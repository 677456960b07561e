/** The provider's side: takes mails by SMTP or LMTP, gives mails by POP3, and keeps a book of both. */

import { Wire } from "../../src/demo/wire.ts";
import type { ServerTlsOptions } from "../../src/net/types.ts";
import { acceptEach } from "../peers/accept_each.ts";
import { type LoadMail, tokenOf } from "./mails.ts";
import { PeerConnection } from "./peer_connection.ts";

/** A mail that the upstream took: it said so, or was about to. */
export interface HeldMail {
  readonly token: string | null;
  readonly content: Uint8Array<ArrayBuffer>;
}

export interface Upstream {
  readonly smtpPort: number;
  readonly lmtpPort: number;
  readonly pop3Port: number;
  /** Where TLS begins with the first octet, if there is a certificate. */
  readonly smtpsPort: number;
  readonly pop3sPort: number;
  /** Every mail that was taken, in order; who has compared them may remove them. */
  readonly held: HeldMail[];
  /** What POP3 clients find, whatever their name; QUIT removes what they deleted. */
  readonly mailbox: LoadMail[];
  /** Resolves when no session is open. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts the upstream on loopback. What is said to the end of a mail is decided by its token: one with `refused` in it
 * isn't taken, one with `lost` is taken and the connection is cut instead of an answer; by LMTP the first recipient is
 * refused where the token has `mixed` in it.
 *
 * @param certificate for STARTTLS and STLS, which are offered then, and for the ports of implicit TLS
 */
export function startUpstream(certificate?: ServerTlsOptions): Upstream {
  const held: HeldMail[] = [];
  const mailbox: LoadMail[] = [];
  const mailSession = (lmtp: boolean) => (end: ServerEnd) => new MailSession(end, held, lmtp).run();
  const mailboxSession = (end: ServerEnd) => serveMailbox(end, mailbox);
  const smtp = serve(mailSession(false), certificate);
  const lmtp = serve(mailSession(true), certificate);
  const pop3 = serve(mailboxSession, certificate);
  const smtps = serve(mailSession(false), certificate, "implicit");
  const pop3s = serve(mailboxSession, certificate, "implicit");
  const all = [smtp, lmtp, pop3, smtps, pop3s];
  return {
    smtpsPort: smtps.port,
    pop3sPort: pop3s.port,
    smtpPort: smtp.port,
    lmtpPort: lmtp.port,
    pop3Port: pop3.port,
    held,
    mailbox,
    idle: async () => {
      for (const { sessions } of all) while (sessions.size > 0) await Promise.all(sessions);
    },
    close: async () => {
      await Promise.all(all.map((server) => server.close()));
    },
  };
}

/** The upstream's end of a connection. */
class ServerEnd {
  readonly wire: Wire;
  readonly #connection: PeerConnection;
  readonly #certificate: ServerTlsOptions | undefined;

  constructor(connection: PeerConnection, certificate: ServerTlsOptions | undefined) {
    this.wire = new Wire(connection);
    this.#connection = connection;
    this.#certificate = certificate;
  }

  get offersTls(): boolean {
    return this.#certificate !== undefined && !this.#connection.encrypted;
  }

  async acceptTls(): Promise<void> {
    if (this.#certificate !== undefined) await this.#connection.acceptTls(this.#certificate);
  }
}

interface Server {
  readonly port: number;
  readonly sessions: ReadonlySet<Promise<void>>;
  close(): Promise<void>;
}

function serve(
  session: (end: ServerEnd) => Promise<void>,
  certificate?: ServerTlsOptions,
  tls: "offered" | "implicit" = "offered",
): Server {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<PeerConnection>();
  const run = async (tcp: Deno.TcpConn) => {
    let connection: PeerConnection | undefined;
    try {
      connection = new PeerConnection(tcp);
      open.add(connection);
      const end = new ServerEnd(connection, certificate);
      if (tls === "implicit") await end.acceptTls();
      await session(end);
    } catch {
      // Who connected has died; what was taken before counts.
    }
    if (connection !== undefined && open.delete(connection)) connection.close();
  };
  const accepting = acceptEach(listener, run);
  return {
    port: listener.addr.port,
    sessions: accepting.sessions,
    close: () =>
      accepting.close(() => {
        for (const connection of open) connection.close();
        open.clear();
      }),
  };
}

/** One SMTP or LMTP session (RFC 5321, RFC 2033, RFC 3030). */
class MailSession {
  readonly #end: ServerEnd;
  readonly #wire: Wire;
  readonly #held: HeldMail[];
  readonly #lmtp: boolean;
  #recipients = 0;

  constructor(end: ServerEnd, held: HeldMail[], lmtp: boolean) {
    this.#end = end;
    this.#wire = end.wire;
    this.#held = held;
    this.#lmtp = lmtp;
  }

  async run(): Promise<void> {
    await this.#wire.writeLines("220 upstream.example");
    for (let line = await this.#wire.readLine(); line !== null; line = await this.#wire.readLine()) {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === "QUIT") return await this.#wire.writeLines("221 2.0.0 Bye");
      if (verb === "EHLO" || verb === "LHLO") {
        const offered = this.#end.offersTls ? ["250-STARTTLS"] : [];
        await this.#wire.writeLines("250-upstream.example", ...offered, "250 PIPELINING");
      } else if (verb === "STAR" && this.#end.offersTls) {
        await this.#wire.writeLines("220 2.0.0 Go ahead");
        await this.#end.acceptTls();
      } else if (verb === "DATA") {
        if (!await this.#takeMail()) return;
      } else await this.#wire.writeLines(this.#reply(verb, line));
    }
  }

  #reply(verb: string, line: string): string {
    if (verb === "MAIL" || verb === "RSET") this.#recipients = 0;
    if (verb !== "RCPT") return "250 2.0.0 Ok";
    if (line.includes("<unknown@")) return "550 5.1.1 No such user";
    this.#recipients++;
    return "250 2.1.5 Ok";
  }

  /** False where the session ends with this mail. */
  async #takeMail(): Promise<boolean> {
    if (this.#recipients === 0) {
      await this.#wire.writeLines("554 5.5.1 No valid recipients");
      return true;
    }
    await this.#wire.writeLines("354 Go on");
    const content = await this.#wire.readBlock();
    if (content === null) return false;
    const token = tokenOf(content);
    if (token?.includes("refused")) {
      await this.#answer("550 5.7.1 Not wanted");
      return true;
    }
    this.#held.push({ token, content });
    if (token?.includes("lost")) return false;
    await this.#answer("250 2.0.0 Ok: queued", token?.includes("mixed") ? "550 5.2.2 Mailbox full" : undefined);
    return true;
  }

  /** LMTP answers once for each recipient. */
  async #answer(reply: string, first = reply): Promise<void> {
    if (!this.#lmtp) return await this.#wire.writeLines(reply);
    await this.#wire.writeLines(first, ...Array.from({ length: this.#recipients - 1 }, () => reply));
  }
}

/** One POP3 session (RFC 1939) in which everybody may log in. */
async function serveMailbox(end: ServerEnd, mailbox: LoadMail[]): Promise<void> {
  const { wire } = end;
  const mails = [...mailbox];
  const deleted = new Set<LoadMail>();
  await wire.writeLines("+OK upstream.example ready");
  for (let line = await wire.readLine(); line !== null; line = await wire.readLine()) {
    const [verb = "", number = ""] = line.toUpperCase().split(" ");
    const mail = mails[Number(number) - 1];
    if (verb === "QUIT") {
      mailbox.splice(0, mailbox.length, ...mailbox.filter((each) => !deleted.has(each)));
      return await wire.writeLines("+OK Bye");
    }
    if (verb === "CAPA") await wire.writeLines("+OK", "UIDL", "PIPELINING", ...(end.offersTls ? ["STLS"] : []), ".");
    else if (verb === "STLS" && end.offersTls) {
      await wire.writeLines("+OK Go ahead");
      await end.acceptTls();
    } else if (verb === "UIDL" && number === "") {
      await wire.writeLines("+OK", ...mails.map(({ token }, index) => `${index + 1} ${token}`), ".");
    } else if ((verb === "RETR" || verb === "DELE") && mail === undefined) await wire.writeLines("-ERR No such mail");
    else if (verb === "DELE" && mail !== undefined) {
      deleted.add(mail);
      await wire.writeLines("+OK");
    } else if (verb === "RETR" && mail !== undefined) {
      await wire.writeLines(`+OK ${mail.content.length} octets`);
      await wire.writeBlock(mail.content);
    } else await wire.writeLines(`+OK ${mails.length} ${mails.length}`);
  }
}
