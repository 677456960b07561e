/** A conversation as an onlooker reads it, who has all that a client said and all that it heard. */

import { userOf } from "./login_reading.ts";
import { dataOf, mailboxOf, normalized, type ReadMail } from "./smtp_reading.ts";

/** A mail that was accepted, for one recipient at least. */
export interface SentMail extends ReadMail {
  /** The user who had logged in at the proxy by then; null for nobody. */
  readonly user: string | null;
}

export interface Conversation {
  readonly mails: readonly SentMail[];
  /** Logins that should have ended in another way. */
  readonly oddities: readonly string[];
}

export interface ConversationRules {
  readonly lmtp: boolean;
  /** The proxy itself checks logins. */
  readonly ownLogins: boolean;
}

/** What came of a session, from the greeting on. */
export function readConversation(said: string, heard: string, rules: ConversationRules): Conversation {
  const onlooker = new Onlooker(said, heard, rules);
  return { mails: onlooker.mails(), oddities: onlooker.oddities };
}

/** "The target's answer was lost": it may have taken the mail. */
const LOST = 451;

class Onlooker {
  readonly oddities: string[] = [];
  readonly #rules: ConversationRules;
  readonly #replies: string[];
  #rest: string;
  #from: string | null = null;
  #to: string[] = [];
  #chunks = "";
  #user: string | null = null;

  constructor(said: string, heard: string, rules: ConversationRules) {
    this.#rules = rules;
    this.#rest = said;
    this.#replies = (heard.match(/(?:\d\d\d-.*\r\n)*\d\d\d(?: .*)?\r\n/g) ?? []).map((reply) => reply);
    this.#replies.shift(); // the greeting
  }

  mails(): SentMail[] {
    const mails: SentMail[] = [];
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
        const mail = this.#endOfMail(this.#answers(), normalized(data.raw));
        if (mail !== null) mails.push(mail);
      }
      if (verb === "AUTH") this.#exchange(line, code);
      if (code >= 300) continue;
      if (verb === "MAIL") this.#from = mailboxOf(line);
      if (verb === "RCPT") this.#to.push(mailboxOf(line) ?? "");
      if (["RSET", "EHLO", "HELO", "LHLO", "STAR"].includes(verb)) this.#forget();
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

  /** Answers to what ends a mail: in LMTP one for each accepted recipient. */
  #answers(): number[] {
    const answers: number[] = [];
    do {
      const code = this.#code();
      if (code === null) break;
      answers.push(code);
    } while (this.#rules.lmtp && answers.length < this.#to.length && answers[0] !== 421);
    return answers;
  }

  #exchange(line: string, first: number): void {
    const [, mechanism = "", initial] = /^AUTH +([^ ]+)(?: +([^ ]+))?/i.exec(line) ?? [];
    const responses = initial === undefined ? [] : [initial];
    let code = first;
    while (code === 334) {
      const response = this.#line();
      if (response === null) return;
      responses.push(response);
      code = this.#code() ?? 0;
    }
    if (!this.#rules.ownLogins) return;
    const user = userOf(mechanism, responses);
    if (code === 235 ? user === null : code === 535 && user !== null) {
      this.oddities.push(`${code} to ${mechanism} ${responses.join(" ")}`);
    }
    if (code === 235) this.#user = user;
  }

  #chunk(line: string): SentMail | "ended" | null {
    const [, size, last] = /^BDAT +(\d{1,15})(?: +(LAST))? *$/i.exec(line) ?? [];
    if (size !== undefined && this.#rest.length < Number(size)) return "ended";
    const octets = this.#rest.slice(0, Number(size ?? 0));
    this.#rest = this.#rest.slice(octets.length);
    const answers = last === undefined || this.#to.length === 0 ? [this.#code() ?? 0] : this.#answers();
    const [code = 0] = answers;
    // A chunk out of place, or without a recipient, leaves the envelope as it was.
    if (last === undefined || code === 503 || this.#to.length === 0) {
      if (code === 250) this.#chunks += octets;
      return null;
    }
    return this.#endOfMail(answers, this.#chunks + octets);
  }

  /** Null where the mail was accepted for nobody. Those whose answer was lost count where others were accepted. */
  #endOfMail(answers: readonly number[], content: string): SentMail | null {
    const accepted = (code: number | undefined) => code !== undefined && code < 300;
    const to = this.#to.filter((_, index) => {
      const code = this.#rules.lmtp ? answers[index] : answers[0];
      return accepted(code) || code === LOST;
    });
    const mail = { from: this.#from ?? "", to, content, user: this.#user };
    this.#forget();
    return answers.some(accepted) ? mail : null;
  }

  #forget(): void {
    this.#from = null;
    this.#to = [];
    this.#chunks = "";
  }
}
