import type { Account, Mailboxes, ReceivedMail } from "./mailboxes.ts";
import type { Wire } from "./wire.ts";

/** Serves one POP3 session (RFC 1939) until QUIT or the end of the stream; only QUIT deletes. */
export async function servePop3(wire: Wire, mailboxes: Mailboxes, hostname: string): Promise<void> {
  await new Pop3Session(wire, mailboxes, hostname).run();
}

const CAPABILITIES = ["TOP", "USER", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE"];

class Pop3Session {
  readonly #wire: Wire;
  readonly #mailboxes: Mailboxes;
  readonly #hostname: string;
  #username = "";
  #account: Account | null = null;
  /** The mails as they lay there at login; their numbers hold for the whole session. */
  #mails: readonly ReceivedMail[] = [];
  readonly #deleted = new Set<ReceivedMail>();

  constructor(wire: Wire, mailboxes: Mailboxes, hostname: string) {
    this.#wire = wire;
    this.#mailboxes = mailboxes;
    this.#hostname = hostname;
  }

  async run(): Promise<void> {
    await this.#wire.writeLines(`+OK ${this.#hostname} ready`);
    for (;;) {
      const line = await this.#wire.readLine();
      if (line === null) return;
      const [verb = "", ...words] = line.split(" ");
      if (verb.toUpperCase() === "QUIT") return await this.#quit();
      await this.#answer(verb.toUpperCase(), words);
    }
  }

  async #answer(verb: string, words: readonly string[]): Promise<void> {
    if (verb === "CAPA") return await this.#wire.writeLines("+OK", ...CAPABILITIES, ".");
    if (verb === "USER" && this.#account === null) {
      this.#username = words.join(" ");
      return await this.#wire.writeLines("+OK");
    }
    if (verb === "PASS" && this.#account === null) return await this.#wire.writeLines(this.#logIn(words.join(" ")));
    if (this.#account === null) return await this.#wire.writeLines("-ERR Log in first");
    switch (verb) {
      case "STAT": {
        const octets = this.#present().reduce((sum, [, mail]) => sum + mail.content.length, 0);
        return await this.#wire.writeLines(`+OK ${this.#present().length} ${octets}`);
      }
      case "LIST":
        return await this.#list(words[0], (mail) => String(mail.content.length));
      case "UIDL":
        return await this.#list(words[0], uidOf);
      case "RETR":
        return await this.#send(words[0], (mail) => mail.content);
      case "TOP":
        return await this.#send(words[0], (mail) => top(mail.content, Number(words[1] ?? 0)));
      case "DELE":
        return await this.#withMail(words[0], async (mail) => {
          this.#deleted.add(mail);
          await this.#wire.writeLines("+OK");
        });
      case "RSET":
        this.#deleted.clear();
        return await this.#wire.writeLines("+OK");
      case "NOOP":
        return await this.#wire.writeLines("+OK");
      default:
        return await this.#wire.writeLines("-ERR Command not known");
    }
  }

  #logIn(password: string): string {
    const account = this.#mailboxes.logIn(this.#username, password);
    if (account === undefined) return "-ERR [AUTH] User name or password is wrong";
    this.#account = account;
    this.#mails = [...this.#mailboxes.of(account.username)];
    return `+OK ${this.#mails.length} mails`;
  }

  async #quit(): Promise<void> {
    for (const mail of this.#deleted) {
      if (this.#account !== null) this.#mailboxes.remove(this.#account.username, mail);
    }
    await this.#wire.writeLines("+OK Bye");
  }

  /** The mails that aren't deleted, with their numbers. */
  #present(): (readonly [number, ReceivedMail])[] {
    return this.#mails.map((mail, index) => [index + 1, mail] as const).filter(([, mail]) => !this.#deleted.has(mail));
  }

  async #list(word: string | undefined, text: (mail: ReceivedMail) => string): Promise<void> {
    if (word === undefined) {
      const lines = this.#present().map(([number, mail]) => `${number} ${text(mail)}`);
      return await this.#wire.writeLines("+OK", ...lines, ".");
    }
    await this.#withMail(word, (mail) => this.#wire.writeLines(`+OK ${word} ${text(mail)}`));
  }

  async #send(word: string | undefined, octets: (mail: ReceivedMail) => Uint8Array): Promise<void> {
    await this.#withMail(word, async (mail) => {
      await this.#wire.writeLines(`+OK ${mail.content.length} octets`);
      await this.#wire.writeBlock(octets(mail));
    });
  }

  async #withMail(word: string | undefined, answer: (mail: ReceivedMail) => Promise<void>): Promise<void> {
    const mail = this.#mails[Number(word) - 1];
    if (mail === undefined || this.#deleted.has(mail)) return await this.#wire.writeLines("-ERR No such mail");
    await answer(mail);
  }
}

function uidOf(mail: ReceivedMail): string {
  return `demo-${String(mail.number).padStart(6, "0")}`;
}

/** The header, the empty line, and `lines` lines of the body. */
function top(content: Uint8Array, lines: number): Uint8Array {
  let wanted = Infinity;
  for (let start = 0; start < content.length;) {
    if (wanted === 0) return content.subarray(0, start);
    const lf = content.indexOf(10, start);
    const end = lf < 0 ? content.length : lf + 1;
    if (wanted < Infinity) wanted--;
    else if (end - start <= 2) wanted = lines;
    start = end;
  }
  return content;
}
