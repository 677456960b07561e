/** What each SMTP command means to a session in the middle, in one table instead of scattered conditions. */

/** Commands that the proxy understands. All others are refused: what isn't understood could carry a mail past the copy. */
export type Verb =
  | "EHLO"
  | "HELO"
  | "LHLO"
  | "MAIL"
  | "RCPT"
  | "DATA"
  | "BDAT"
  | "RSET"
  | "NOOP"
  | "VRFY"
  | "EXPN"
  | "ETRN"
  | "HELP"
  | "QUIT"
  | "STARTTLS"
  | "AUTH";

export interface CommandRule {
  /** May reach the target before the proxy has introduced itself (EHLO, and TLS and AUTH where it owes them). */
  readonly beforeIntroduction: boolean;
  /** Nothing more is taken from the client until its reply has come: the last command of a group (RFC 2920). */
  readonly endsGroup: boolean;
  /** Waits until all earlier replies have come, since they decide what it means. */
  readonly waitsForReplies: boolean;
  /** May come between the chunks of a mail (RFC 3030 section 2). */
  readonly betweenChunks: boolean;
  /** Takes no argument: one that had some could mean something else to the target. */
  readonly bare: boolean;
  /** Where the proxy checks logins: not before one. */
  readonly needsLogin: boolean;
}

const plain: CommandRule = {
  beforeIntroduction: false,
  endsGroup: false,
  waitsForReplies: false,
  betweenChunks: false,
  bare: false,
  needsLogin: false,
};
const hello: CommandRule = {
  ...plain,
  beforeIntroduction: true,
  endsGroup: true,
  waitsForReplies: true,
  betweenChunks: true,
};

/** RFC 2920 section 3.1 says which commands end a group. */
export const commandRules: Readonly<Record<Verb, CommandRule>> = {
  EHLO: hello,
  HELO: hello,
  LHLO: hello,
  MAIL: { ...plain, needsLogin: true },
  RCPT: { ...plain, needsLogin: true },
  DATA: { ...plain, endsGroup: true, waitsForReplies: true, bare: true, needsLogin: true },
  BDAT: { ...plain, waitsForReplies: true, betweenChunks: true, needsLogin: true },
  RSET: { ...plain, beforeIntroduction: true, betweenChunks: true, bare: true },
  NOOP: { ...plain, beforeIntroduction: true, endsGroup: true, betweenChunks: true },
  VRFY: { ...plain, endsGroup: true, betweenChunks: true, needsLogin: true },
  EXPN: { ...plain, endsGroup: true, betweenChunks: true, needsLogin: true },
  ETRN: { ...plain, endsGroup: true, betweenChunks: true, needsLogin: true },
  HELP: { ...plain, beforeIntroduction: true, endsGroup: true, betweenChunks: true },
  QUIT: { ...plain, beforeIntroduction: true, endsGroup: true, betweenChunks: true },
  STARTTLS: { ...plain, beforeIntroduction: true, endsGroup: true, waitsForReplies: true, bare: true },
  AUTH: { ...plain, endsGroup: true, waitsForReplies: true },
};

/** True for a word that `commandRules` has. */
export function isVerb(word: string): word is Verb {
  return Object.hasOwn(commandRules, word);
}
