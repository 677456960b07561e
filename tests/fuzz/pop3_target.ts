import type { Target } from "./wire.ts";

/** Octets of a mail as they stand in a RETR's reply: dots doubled after CRLF, a line of one dot behind (RFC 1939 section 3). */
export function asBlock(content: string): string {
  const lines = content.split("\r\n");
  if (lines.at(-1) === "") lines.pop();
  return [...lines.map((line) => line.startsWith(".") ? `.${line}` : line), ".", ""].join("\r\n");
}

export interface Pop3TargetOptions {
  readonly mails: readonly string[];
  /** Hangs up in its answer to this line, counted from 0, after so many octets of it; null: never. */
  readonly hangsUp: { readonly line: number; readonly octets: number } | null;
}

/** A strict POP3 server, and what it doesn't understand. */
export class Pop3Target implements Target {
  static readonly greeting = "+OK target.example ready\r\n";
  readonly oddities: string[] = [];
  closed = false;
  readonly #options: Pop3TargetOptions;
  #input = "";
  #lines = 0;
  #expects: "command" | "response" = "command";
  #user: string | null = null;
  #loggedIn = false;

  constructor(options: Pop3TargetOptions) {
    this.#options = options;
  }

  receive(text: string): string {
    this.#input += text;
    let said = "";
    for (let end = this.#input.indexOf("\r\n"); end >= 0 && !this.closed; end = this.#input.indexOf("\r\n")) {
      const answer = this.#answer(this.#input.slice(0, end));
      this.#input = this.#input.slice(end + 2);
      const { hangsUp } = this.#options;
      const cut = hangsUp !== null && this.#lines++ === hangsUp.line;
      if (cut) this.closed = true;
      said += cut ? answer.slice(0, hangsUp.octets) : answer;
    }
    return said;
  }

  #answer(line: string): string {
    if (/[\r\n\0]/.test(line)) return this.#wonder(line);
    if (this.#expects === "response") return this.#respond(line);
    const [verb = "", ...words] = line.split(/ +/);
    const argument = words[0] ?? "";
    switch (verb.toUpperCase()) {
      case "CAPA":
        return "+OK\r\nUSER\r\nUIDL\r\nTOP\r\nPIPELINING\r\nSASL PLAIN LOGIN\r\n.\r\n";
      case "USER":
        this.#user = argument;
        return "+OK\r\n";
      case "PASS":
        return this.#logIn(this.#user !== null && argument === "right");
      case "AUTH":
        if (argument === "") return "+OK\r\nPLAIN\r\n.\r\n";
        if (words.length > 1) return this.#logIn(words[1] === "cmlnaHQ=");
        this.#expects = "response";
        return "+ \r\n";
      case "NOOP":
        return "+OK\r\n";
      case "QUIT":
        this.closed = true;
        return "+OK bye\r\n";
      default:
        return this.#loggedIn ? this.#answerUser(verb.toUpperCase(), argument, words[1] ?? "") : "-ERR not now\r\n";
    }
  }

  #answerUser(verb: string, argument: string, lines: string): string {
    const { mails } = this.#options;
    const content = mails[Number(argument) - 1];
    const listed = (facts: (content: string, index: number) => string): string => {
      if (argument !== "") {
        return content === undefined ? "-ERR none\r\n" : `+OK ${argument} ${facts(content, Number(argument) - 1)}\r\n`;
      }
      return `+OK\r\n${mails.map((mail, index) => `${index + 1} ${facts(mail, index)}\r\n`).join("")}.\r\n`;
    };
    switch (verb) {
      case "STAT":
        return `+OK ${mails.length} 9\r\n`;
      case "LIST":
        return listed(({ length }) => String(length));
      case "UIDL":
        return listed((_, index) => `uid${index + 1}`);
      case "RETR":
        return content === undefined ? "-ERR none\r\n" : `+OK\r\n${asBlock(content)}`;
      case "TOP":
        return content === undefined ? "-ERR none\r\n" : `+OK\r\n${asBlock(top(content, Number(lines)))}`;
      case "DELE":
        return content === undefined ? "-ERR none\r\n" : "+OK\r\n";
      case "RSET":
      case "UTF8":
        return "+OK\r\n";
      default:
        return "-ERR what?\r\n";
    }
  }

  #respond(line: string): string {
    this.#expects = "command";
    return this.#logIn(line === "cmlnaHQ=");
  }

  #logIn(right: boolean): string {
    if (right) this.#loggedIn = true;
    return right ? "+OK welcome\r\n" : "-ERR [AUTH] no\r\n";
  }

  #wonder(line: string): string {
    this.oddities.push(line);
    return "-ERR what?\r\n";
  }
}

/** The header, the empty line and so many lines of the body (RFC 1939 section 7). */
function top(content: string, count: number): string {
  const lines = content.split("\r\n");
  const empty = lines.indexOf("");
  return empty < 0 ? content : `${lines.slice(0, empty + 1 + count).join("\r\n")}\r\n`;
}
