import type { Announcements } from "./announcement_reading.ts";
import { dataOf, mailboxOf, type ReadMail, unstuffed } from "./smtp_reading.ts";
import type { Target } from "./wire.ts";

export interface SmtpTargetOptions {
  readonly extensions: readonly string[];
  /** LMTP: LHLO in place of EHLO, and an answer to a mail for each recipient. */
  readonly lmtp: boolean;
  readonly refuses: (address: string) => boolean;
  /** The answer to a whole mail. */
  readonly answer: (content: string, recipient: string) => string;
  /** The answer to XCLIENT and XFORWARD; a refusal where it isn't 2xx. */
  readonly announcementAnswer: string;
  /** Hangs up in its answer to this line, counted from 0, after so many octets of it; null: never. */
  readonly hangsUp: { readonly line: number; readonly octets: number } | null;
}

/** Lines of a dot and blanks, which some take for the end of a mail, and newlines that some take for CRLF. */
const AMBIGUOUS = /(?:^|\r\n)\.[ \t\v\f]+\r\n|(?:^|[^\r])\n|\r(?!\n)|(?:^|\r\n)\0/;
const GREETED = "220 target.example ESMTP\r\n";

/** A strict SMTP server that keeps what it takes, and writes down what it doesn't understand. */
export class SmtpTarget implements Target {
  static readonly greeting = GREETED;
  /** Mails that it has taken and said so. */
  readonly mails: ReadMail[] = [];
  readonly oddities: string[] = [];
  closed = false;
  readonly #options: SmtpTargetOptions;
  readonly #announcements: Announcements;
  #input = "";
  #expects: "command" | "data" | "auth" = "command";
  #lines = 0;
  #from: string | null = null;
  #to: string[] = [];
  #chunks: string | null = null;
  #taken: ReadMail | null = null;

  constructor(options: SmtpTargetOptions, announcements: Announcements) {
    this.#options = options;
    this.#announcements = announcements;
  }

  /** What the proxy sends before all else. */
  receivePreamble(text: string): void {
    this.#note(this.#announcements.preamble(text));
  }

  receive(text: string): string {
    this.#input += text;
    let said = "";
    while (!this.closed) {
      const answer = this.#expects === "data" ? this.#takeData() : this.#takeLine();
      if (answer === null) break;
      const { hangsUp } = this.#options;
      const heard = hangsUp !== null && this.#lines++ === hangsUp.line ? answer.slice(0, hangsUp.octets) : answer;
      if (heard.length < answer.length) this.closed = true;
      said += heard;
      if (this.#taken !== null && !this.closed) this.mails.push(this.#taken);
      this.#taken = null;
    }
    return said;
  }

  #takeData(): string | null {
    const data = dataOf(this.#input);
    if (data === null) return null;
    this.#input = data.rest;
    this.#expects = "command";
    if (AMBIGUOUS.test(data.raw)) this.#note(`a mail that some would end elsewhere: ${JSON.stringify(data.raw)}`);
    return this.#finish(unstuffed(data.raw));
  }

  /** The answer to the next line; null where it isn't whole. */
  #takeLine(): string | null {
    const end = this.#input.indexOf("\r\n");
    if (end < 0) return null;
    const line = this.#input.slice(0, end);
    const after = end + 2;
    const [, size, last] = /^BDAT (\d+)( LAST)?$/.exec(line) ?? [];
    const wanted = Number(size ?? 0);
    if (this.#input.length < after + wanted) return null;
    const octets = this.#input.slice(after, after + wanted);
    this.#input = this.#input.slice(after + wanted);
    if (this.#expects === "auth") return this.#logIn(line);
    if (/[\r\n\0]/.test(line)) return this.#wonder(line);
    return size === undefined ? this.#answer(line) : this.#takeChunk(octets, last !== undefined);
  }

  #answer(line: string): string {
    switch (line.slice(0, 4).toUpperCase()) {
      case "EHLO":
      case "LHLO":
        return this.#greet(line);
      case "HELO":
        if (this.#options.lmtp) return this.#wonder(line);
        this.#announcements.hello(line.slice(5));
        this.#forget();
        return "250 2.0.0 Ok\r\n";
      case "XCLI":
      case "XFOR":
        return this.#hearOfClient(line);
      case "RSET":
        this.#forget();
        return "250 2.0.0 Ok\r\n";
      case "MAIL":
        return this.#begin(mailboxOf(line));
      case "RCPT":
        return this.#address(mailboxOf(line));
      case "DATA":
        if (this.#to.length === 0 || this.#chunks !== null) return "503 5.5.1 RCPT first\r\n";
        this.#expects = "data";
        return "354 Go\r\n";
      case "AUTH":
        if (/^AUTH \S+ \S+$/i.test(line)) return this.#logIn(line.split(" ")[2] ?? "");
        this.#expects = "auth";
        return "334 \r\n";
      case "NOOP":
      case "HELP":
      case "EXPN":
      case "ETRN":
      case "VRFY":
        return "252 2.0.0 Perhaps\r\n";
      case "QUIT":
        this.closed = true;
        return "221 2.0.0 Bye\r\n";
      default:
        return this.#wonder(line);
    }
  }

  #greet(line: string): string {
    if (line.startsWith("LHLO") !== this.#options.lmtp) return this.#wonder(line);
    this.#announcements.hello(line.slice(5));
    this.#forget();
    return ["target.example", ...this.#options.extensions]
      .map((each, index, all) => `250${index < all.length - 1 ? "-" : " "}${each}\r\n`).join("");
  }

  #hearOfClient(line: string): string {
    const problem = this.#announcements.problemWith(line);
    if (problem !== null) return this.#wonder(`${line}: ${problem}`);
    const answer = this.#options.announcementAnswer;
    if (answer.startsWith("2") || line.startsWith("XFORWARD")) this.#announcements.taken(line);
    return `${answer}\r\n`;
  }

  #begin(from: string | null): string {
    if (from === null) return this.#wonder("MAIL without a mailbox");
    this.#note(this.#announcements.problemAtMail());
    if (this.#from !== null) return "503 5.5.1 Nested\r\n";
    this.#from = from;
    return "250 2.1.0 Ok\r\n";
  }

  #address(to: string | null): string {
    if (this.#from === null) return "503 5.5.1 MAIL first\r\n";
    if (to === null || this.#options.refuses(to)) return "550 5.1.1 No\r\n";
    this.#to.push(to);
    return "250 2.1.5 Ok\r\n";
  }

  #takeChunk(octets: string, last: boolean): string {
    if (this.#to.length === 0) return "503 5.5.1 RCPT first\r\n";
    this.#chunks = (this.#chunks ?? "") + octets;
    return last ? this.#finish(this.#chunks) : "250 2.0.0 Ok\r\n";
  }

  #finish(content: string): string {
    const { lmtp, answer } = this.#options;
    const answers = this.#to.map((recipient) => answer(content, lmtp ? recipient : ""));
    const to = this.#to.filter((_, index) => answers[index]?.startsWith("2"));
    if (to.length > 0) this.#taken = { from: this.#from ?? "", to, content };
    this.#forget();
    return answers.slice(0, lmtp ? undefined : 1).map((each) => `${each}\r\n`).join("");
  }

  #logIn(response: string): string {
    this.#expects = "command";
    if (response === "*") return "501 5.7.0 Cancelled\r\n";
    if (!/^[A-Za-z0-9+/=]*$/.test(response)) return this.#wonder(response);
    return response.length % 3 === 0 ? "235 2.7.0 Welcome\r\n" : "535 5.7.8 No\r\n";
  }

  #note(oddity: string | null): void {
    if (oddity !== null) this.oddities.push(oddity);
  }

  #wonder(line: string): string {
    this.oddities.push(line);
    return "500 5.5.2 What?\r\n";
  }

  #forget(): void {
    this.#from = null;
    this.#to = [];
    this.#chunks = null;
  }
}
