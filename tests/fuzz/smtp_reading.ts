/** How SMTP is read by a book that knows nothing of the program: for the model of a client's session, and of a target. */

export interface ReadMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Octets as characters up to U+00FF. */
  readonly content: string;
}

/** The mailbox of a MAIL or RCPT line; null where it has none. */
export function mailboxOf(line: string): string | null {
  const [, , path] = /^(MAIL +FROM|RCPT +TO): *(?:<(?:@[^:>]*:)?)?((?:"(?:[^"\\]|\\.)*"|[^\s>"])*)/i.exec(line) ?? [];
  return path ?? null;
}

/** What follows the reply to DATA: up to the end marker, and what comes after it; null without an end marker. */
export function dataOf(stream: string): { readonly raw: string; readonly rest: string } | null {
  const text = `\r\n${stream}`;
  const end = text.indexOf("\r\n.\r\n");
  return end < 0 ? null : { raw: text.slice(2, end + 2), rest: text.slice(end + 5) };
}

/** The mail in what a sender of DATA sent: dots taken away after CRLF (RFC 5321 section 4.5.2), and nothing else. */
export function unstuffed(raw: string): string {
  return raw.split("\r\n").map((line) => line.startsWith(".") ? line.slice(1) : line).join("\r\n");
}

/** The mail that the program has to make of it: other newlines become CRLF, NUL at the beginning of a line goes. */
export function normalized(raw: string): string {
  return unstuffed(raw).split(/\r\n|\r|\n/).map((line) => line.replace(/^\0+/, "")).join("\r\n");
}

/** A conversation as an onlooker reads it, who has all that the client said and all that it heard: the mails accepted. */
export function mailsOfConversation(said: string, heard: string): ReadMail[] {
  return new Onlooker(said, heard).mails();
}

class Onlooker {
  readonly #replies: string[];
  #rest: string;
  #from: string | null = null;
  #to: string[] = [];
  #chunks = "";

  constructor(said: string, heard: string) {
    this.#rest = said;
    this.#replies = (heard.match(/(?:\d\d\d-.*\r\n)*\d\d\d(?: .*)?\r\n/g) ?? []).map((reply) => reply);
    this.#replies.shift(); // the greeting
  }

  mails(): ReadMail[] {
    const mails: ReadMail[] = [];
    for (let line = this.#line(); line !== null; line = this.#line()) {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === "BDAT") {
        const mail = this.#chunk(line);
        if (mail === "ended") return mails;
        if (mail !== null) mails.push(mail);
        continue;
      }
      const code = this.#code();
      if (code === null) return mails;
      if (verb === "DATA" && code === 354) {
        const data = dataOf(this.#rest);
        if (data === null) return mails;
        this.#rest = data.rest;
        if (this.#accepted()) mails.push(this.#mail(normalized(data.raw)));
        this.#forget();
      }
      if (verb === "AUTH" && code === 334) this.#exchange();
      if (code >= 300) continue;
      if (verb === "MAIL") this.#from = mailboxOf(line);
      if (verb === "RCPT") this.#to.push(mailboxOf(line) ?? "");
      if (["RSET", "EHLO", "HELO", "STAR"].includes(verb)) this.#forget();
    }
    return mails;
  }

  /** The next line, whatever ends it. */
  #line(): string | null {
    const end = this.#rest.indexOf("\n");
    if (end < 0) return null;
    const line = this.#rest.slice(0, end).replace(/\r$/, "");
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  #code(): number | null {
    const reply = this.#replies.shift();
    return reply === undefined ? null : Number(reply.slice(0, 3));
  }

  #accepted(): boolean {
    const code = this.#code();
    return code !== null && code < 300;
  }

  #exchange(): void {
    for (let code = 334; code === 334;) {
      if (this.#line() === null) return;
      code = this.#code() ?? 0;
    }
  }

  #chunk(line: string): ReadMail | "ended" | null {
    const [, size, last] = /^BDAT +(\d{1,15})(?: +(LAST))? *$/i.exec(line) ?? [];
    if (size !== undefined && this.#rest.length < Number(size)) return "ended";
    const octets = this.#rest.slice(0, Number(size ?? 0));
    this.#rest = this.#rest.slice(octets.length);
    const code = this.#code();
    const accepted = code === 250;
    if (accepted) this.#chunks += octets;
    // A chunk out of place, or without a recipient, leaves the envelope as it was.
    if (last === undefined || code === 503 || this.#to.length === 0) return null;
    const mail = this.#mail(this.#chunks);
    this.#forget();
    return accepted ? mail : null;
  }

  #mail(content: string): ReadMail {
    return { from: this.#from ?? "", to: this.#to, content };
  }

  #forget(): void {
    this.#from = null;
    this.#to = [];
    this.#chunks = "";
  }
}
