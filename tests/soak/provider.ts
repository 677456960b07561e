/** The provider's side of the day: the demo's mail server, in clear text and by TLS, with its mails on disk. */

import { join } from "@std/path";
import { servePop3 } from "../../src/demo/pop3_service.ts";
import { type Account, Mailboxes, type ReceivedMail } from "../../src/demo/mailboxes.ts";
import { serveSmtp } from "../../src/demo/smtp_service.ts";
import { Wire } from "../../src/demo/wire.ts";
import { acceptEach } from "../peers/accept_each.ts";
import type { Issued } from "../unit/net/issue_certificate.ts";
import { sha256Of } from "./sha256.ts";
import { MAX_MAIL_BYTES, ownTokenOf } from "./soak_mails.ts";

const HOST = "mail.provider.example";

/** A mail that was taken by SMTP. */
export interface TakenMail {
  readonly token: string | null;
  readonly sha256: string;
}

export interface ProviderPorts {
  readonly smtp: number;
  readonly smtpTls: number;
  readonly pop3: number;
  readonly pop3Tls: number;
}

export interface Provider {
  readonly ports: ProviderPorts;
  /** What was taken by SMTP, in order. */
  readonly taken: readonly TakenMail[];
  /** Puts a mail from elsewhere into somebody's mailbox. */
  deliver(address: string, content: Uint8Array<ArrayBuffer>): void;
  close(): Promise<void>;
}

/** Starts the provider on loopback; `folder` is for its mails. */
export function startProvider(folder: string, accounts: readonly Account[], certificate: Issued): Provider {
  const mailboxes = new MailboxesOnDisk(folder, accounts);
  const taken: TakenMail[] = [];
  const smtpOptions = {
    hostname: HOST,
    maxMailBytes: MAX_MAIL_BYTES,
    requireAuthentication: false,
    refuseRecipient: (address: string) => address.startsWith("unknown@") ? "550 5.1.1 No such user" : null,
  };
  mailboxes.onTaken = (content) => void taken.push({ token: ownTokenOf(content), sha256: sha256Of(content) });
  const smtp = (wire: Wire) => serveSmtp(wire, mailboxes, smtpOptions);
  const pop3 = (wire: Wire) => servePop3(wire, mailboxes, HOST);
  const clear = { hostname: "127.0.0.1", port: 0 };
  const tls = { ...clear, cert: certificate.cert, key: certificate.key };
  const doors = [
    serve(Deno.listen(clear), smtp),
    serve(Deno.listenTls(tls), smtp),
    serve(Deno.listen(clear), pop3),
    serve(Deno.listenTls(tls), pop3),
  ];
  const [smtpPort = 0, smtpTls = 0, pop3Port = 0, pop3Tls = 0] = doors.map(({ port }) => port);
  return {
    ports: { smtp: smtpPort, smtpTls, pop3: pop3Port, pop3Tls },
    taken,
    deliver: (address, content) => mailboxes.put([address], content),
    close: async () => {
      await Promise.all(doors.map((door) => door.close()));
    },
  };
}

/** Mailboxes whose mails are files, so that what the provider keeps isn't taken for the program's memory. */
class MailboxesOnDisk extends Mailboxes {
  readonly #folder: string;
  #count = 0;
  /** Told of each mail that comes by SMTP. */
  onTaken: (content: Uint8Array) => void = () => {};

  constructor(folder: string, accounts: readonly Account[]) {
    super(accounts);
    this.#folder = folder;
  }

  override deliver(mail: Omit<ReceivedMail, "number">): ReceivedMail {
    this.onTaken(mail.content);
    return this.put(mail.recipients, mail.content);
  }

  /** Puts a mail into mailboxes. */
  put(recipients: readonly string[], content: Uint8Array<ArrayBuffer>): ReceivedMail {
    const number = ++this.#count;
    const path = join(this.#folder, `${number}.eml`);
    Deno.writeFileSync(path, content);
    const kept = new MailOnDisk(number, recipients, path);
    const names = recipients.filter((each) => each.endsWith("@company.example")).map((each) =>
      each.split("@")[0] ?? ""
    );
    for (const name of new Set(names)) this.of(name).push(kept);
    return kept;
  }
}

class MailOnDisk implements ReceivedMail {
  readonly mailFrom = "";
  readonly params = [];
  readonly authenticatedAs = null;
  readonly number: number;
  readonly recipients: readonly string[];
  readonly #path: string;

  constructor(number: number, recipients: readonly string[], path: string) {
    this.number = number;
    this.recipients = recipients;
    this.#path = path;
  }

  get content(): Uint8Array<ArrayBuffer> {
    return Deno.readFileSync(this.#path);
  }
}

function serve(
  listener: Deno.TcpListener | Deno.TlsListener,
  session: (wire: Wire) => Promise<void>,
): { readonly port: number; close(): Promise<void> } {
  const run = async (connection: Deno.Conn) => {
    try {
      if ("setNoDelay" in connection && typeof connection.setNoDelay === "function") connection.setNoDelay();
      await session(new Wire(connection));
    } catch {
      // The client hung up in the middle, as some do.
    } finally {
      connection.close();
    }
  };
  const accepting = acceptEach<Deno.Conn>(listener, run);
  return { port: listener.addr.port, close: () => accepting.close() };
}
