/** What the proxy has to know of each POP3 command. */

/** How the text after the verb is read. Numbers are message numbers, from 1. */
export type ArgumentForm =
  | "none"
  | "number"
  | "optional-number"
  | "number-and-lines"
  | "text"
  | "optional-text";

/**
 * What follows a `+OK` line: nothing; a block that a line of one dot ends; such a block only where the command had no
 * argument; a mail; something that has to be found out.
 */
export type ReplyForm = "line" | "block" | "block-without-argument" | "mail" | "unknown";

export interface CommandRule {
  readonly argument: ArgumentForm;
  readonly reply: ReplyForm;
  /** Isn't passed on before all earlier commands are answered. */
  readonly waitsForReplies: boolean;
  /** The client's next line isn't looked at before this command is answered, since the answer decides what it is. */
  readonly holdsNext: boolean;
  /** Part of a login: refused in clear text with `requireTlsForAuth`. */
  readonly login: boolean;
}

const simple: CommandRule = {
  argument: "none",
  reply: "line",
  waitsForReplies: false,
  holdsNext: false,
  login: false,
};

/** Commands that may be known by a server, but not to the proxy. */
export const unknownCommandRule: CommandRule = {
  ...simple,
  argument: "optional-text",
  reply: "unknown",
  waitsForReplies: true,
  holdsNext: true,
};

export const commandRules = {
  // RFC 1939
  USER: { ...simple, argument: "text", login: true },
  PASS: { ...simple, argument: "text", holdsNext: true, login: true },
  APOP: { ...simple, argument: "text", holdsNext: true, login: true },
  STAT: simple,
  LIST: { ...simple, argument: "optional-number", reply: "block-without-argument" },
  UIDL: { ...simple, argument: "optional-number", reply: "block-without-argument" },
  RETR: { ...simple, argument: "number", reply: "mail" },
  TOP: { ...simple, argument: "number-and-lines", reply: "block" },
  DELE: { ...simple, argument: "number" },
  NOOP: simple,
  RSET: simple,
  QUIT: { ...simple, holdsNext: true },
  // RFC 1460, still answered by some servers
  LAST: simple,
  // RFC 2449
  CAPA: { ...simple, reply: "block" },
  // RFC 2595
  STLS: { ...simple, waitsForReplies: true, holdsNext: true },
  // RFC 5034; servers answer AUTH alone with a list of mechanisms, or with -ERR
  AUTH: { ...simple, argument: "optional-text", reply: "block-without-argument", holdsNext: true, login: true },
  // RFC 6856
  LANG: { ...simple, argument: "optional-text", reply: "block-without-argument" },
  UTF8: simple,
} as const satisfies Record<string, CommandRule>;

export type KnownVerb = keyof typeof commandRules;

/** True for the verbs of `commandRules`. */
export function isKnownVerb(verb: string): verb is KnownVerb {
  return Object.hasOwn(commandRules, verb);
}
