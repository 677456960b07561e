import { decodeUtf8 } from "../base/bytes.ts";
import type { Account, Mailboxes } from "./mailboxes.ts";
import type { Wire } from "./wire.ts";

export interface SmtpServiceOptions {
  readonly hostname: string;
  /** Largest mail that is taken, in octets. */
  readonly maxMailBytes: number;
  /** Whether MAIL needs AUTH before it. */
  readonly requireAuthentication: boolean;
  /** The reply to RCPT for an address that isn't taken, `"550 5.1.1 No such user"`; null takes it. */
  readonly refuseRecipient: (address: string) => string | null;
}

interface Transaction {
  readonly mailFrom: string;
  readonly params: readonly string[];
  readonly recipients: string[];
}

/** Serves one SMTP session (RFC 5321) until QUIT or the end of the stream. */
export async function serveSmtp(wire: Wire, mailboxes: Mailboxes, options: SmtpServiceOptions): Promise<void> {
  await new SmtpSession(wire, mailboxes, options).run();
}

class SmtpSession {
  readonly #wire: Wire;
  readonly #mailboxes: Mailboxes;
  readonly #options: SmtpServiceOptions;
  #greeted = false;
  #account: Account | null = null;
  #transaction: Transaction | null = null;

  constructor(wire: Wire, mailboxes: Mailboxes, options: SmtpServiceOptions) {
    this.#wire = wire;
    this.#mailboxes = mailboxes;
    this.#options = options;
  }

  async run(): Promise<void> {
    await this.#wire.writeLines(`220 ${this.#options.hostname} ESMTP`);
    for (;;) {
      const line = await this.#wire.readLine();
      if (line === null) return;
      const [, verb = "", argument = ""] = /^(\S*) ?(.*)$/s.exec(line) ?? [];
      if (verb.toUpperCase() === "QUIT") return await this.#wire.writeLines("221 2.0.0 Bye");
      await this.#wire.writeLines(...await this.#reply(verb.toUpperCase(), argument));
    }
  }

  async #reply(verb: string, argument: string): Promise<string[]> {
    switch (verb) {
      case "EHLO":
        return this.#greet(argument, [
          "PIPELINING",
          `SIZE ${this.#options.maxMailBytes}`,
          "AUTH PLAIN LOGIN",
          "8BITMIME",
          "SMTPUTF8",
          "DSN",
          "ENHANCEDSTATUSCODES",
        ]);
      case "HELO":
        return this.#greet(argument, []);
      case "AUTH":
        return [await this.#authenticate(argument)];
      case "MAIL":
        return [this.#mail(argument)];
      case "RCPT":
        return [this.#recipient(argument)];
      case "DATA":
        return [await this.#data()];
      case "RSET":
        this.#transaction = null;
        return ["250 2.0.0 Ok"];
      case "NOOP":
        return ["250 2.0.0 Ok"];
      case "VRFY":
        return ["252 2.0.0 Send some mail, and see"];
      case "HELP":
        return ["214 2.0.0 RFC 5321"];
      default:
        return ["500 5.5.2 Command not known"];
    }
  }

  #greet(name: string, extensions: readonly string[]): string[] {
    if (name === "") return ["501 5.5.4 Name missing"];
    this.#greeted = true;
    this.#transaction = null;
    const lines = [this.#options.hostname, ...extensions];
    return lines.map((line, index) => `250${index < lines.length - 1 ? "-" : " "}${line}`);
  }

  #mail(argument: string): string {
    if (!this.#greeted) return "503 5.5.1 EHLO first";
    if (this.#transaction !== null) return "503 5.5.1 One mail at a time";
    if (this.#options.requireAuthentication && this.#account === null) return "530 5.7.0 Authentication required";
    const parsed = parsePath(argument, "FROM");
    if (parsed === null) return "501 5.5.4 Use MAIL FROM:<address>";
    const size = parsed.params.find((param) => /^SIZE=/i.test(param));
    if (size !== undefined && Number(size.slice(5)) > this.#options.maxMailBytes) return "552 5.3.4 Mail too large";
    this.#transaction = { mailFrom: parsed.address, params: parsed.params, recipients: [] };
    return "250 2.1.0 Ok";
  }

  #recipient(argument: string): string {
    if (this.#transaction === null) return "503 5.5.1 MAIL first";
    const parsed = parsePath(argument, "TO");
    if (parsed === null || parsed.address === "") return "501 5.5.4 Use RCPT TO:<address>";
    const refusal = this.#options.refuseRecipient(parsed.address);
    if (refusal !== null) return refusal;
    this.#transaction.recipients.push(parsed.address);
    return "250 2.1.5 Ok";
  }

  async #data(): Promise<string> {
    const transaction = this.#transaction;
    if (transaction === null) return "503 5.5.1 MAIL first";
    if (transaction.recipients.length === 0) return "554 5.5.1 No valid recipients";
    await this.#wire.writeLines("354 End with a line of one dot");
    const content = await this.#wire.readBlock();
    if (content === null) throw new Error("The connection was lost in the middle of a mail.");
    this.#transaction = null;
    if (content.length > this.#options.maxMailBytes) return "552 5.3.4 Mail too large";
    const authenticatedAs = this.#account?.username ?? null;
    const { number } = this.#mailboxes.deliver({ ...transaction, authenticatedAs, content });
    return `250 2.0.0 Ok: mail ${number}`;
  }

  /** AUTH PLAIN and AUTH LOGIN (RFC 4954, RFC 4616), with and without an initial response. */
  async #authenticate(argument: string): Promise<string> {
    if (this.#account !== null) return "503 5.5.1 Already authenticated";
    const [mechanism = "", initial] = argument.split(" ");
    let username: string | undefined;
    let password: string | undefined;
    if (mechanism.toUpperCase() === "PLAIN") {
      const response = initial ?? await this.#challenge("");
      if (response === null) return "501 5.7.0 Cancelled";
      [, username, password] = fromBase64(response)?.split("\0") ?? [];
    } else if (mechanism.toUpperCase() === "LOGIN") {
      const name = initial ?? await this.#challenge("VXNlcm5hbWU6");
      const secret = name === null ? null : await this.#challenge("UGFzc3dvcmQ6");
      if (name === null || secret === null) return "501 5.7.0 Cancelled";
      [username, password] = [fromBase64(name), fromBase64(secret)];
    } else {
      return "504 5.5.4 Mechanism not known";
    }
    if (username === undefined || password === undefined) return "501 5.5.2 Not base64";
    this.#account = this.#mailboxes.logIn(username, password) ?? null;
    return this.#account === null ? "535 5.7.8 User name or password is wrong" : "235 2.7.0 Welcome";
  }

  /** Sends a challenge; null where the client cancels. */
  async #challenge(text: string): Promise<string | null> {
    await this.#wire.writeLines(`334 ${text}`);
    const line = await this.#wire.readLine();
    return line === "*" ? null : line;
  }
}

/** `FROM:<address> PARAM=value …`, with the spaces after the colon that some clients send. */
function parsePath(argument: string, word: "FROM" | "TO"): { address: string; params: string[] } | null {
  const [, found = "", address, params = ""] =
    /^(FROM|TO): *<((?:"(?:\\.|[^"\\])*"|[^">])*)>(?: (.*))?$/i.exec(argument) ??
      [];
  if (found.toUpperCase() !== word || address === undefined) return null;
  return { address, params: params.split(" ").filter((param) => param !== "") };
}

function fromBase64(text: string): string | undefined {
  try {
    return decodeUtf8(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
  } catch {
    return undefined; // not base64
  }
}
