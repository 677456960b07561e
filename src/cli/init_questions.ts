import { MailteeError } from "../base/errors.ts";
import { EXAMPLE_ANSWERS, type StarterAnswers, type StarterProxy } from "../config/starter.ts";
import type { TlsMode } from "../net/types.ts";
import type { OptionSpec, OptionValues } from "./command.ts";

/** The options of `mailtee init` that answer its questions beforehand. */
export const ANSWER_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  listen: { value: "ADDRESS", doc: "address to listen on (0.0.0.0, all of IPv4)" },
  "smtp-host": { value: "HOST", doc: "the provider's SMTP server" },
  "smtp-port": { value: "PORT", doc: "its port (465; with --smtp-tls starttls 587, none 25)" },
  "smtp-tls": { value: "MODE", doc: "implicit, starttls or none" },
  "smtp-user": { value: "NAME", doc: "user name that the proxy logs in with; else clients log in themselves" },
  "smtp-listen": { value: "PORT", doc: "port on which clients send (25)" },
  "pop3-host": { value: "HOST", doc: "the provider's POP3 server" },
  "pop3-port": { value: "PORT", doc: "its port (995; with --pop3-tls starttls or none 110)" },
  "pop3-tls": { value: "MODE", doc: "implicit, starttls or none" },
  "pop3-listen": { value: "PORT", doc: "port on which clients fetch (110)" },
  user: { value: "NAME", doc: "the first user of the archive" },
  addresses: { value: "LIST", doc: "the user's mail addresses, separated by commas" },
  "pop3-users": { value: "LIST", doc: "the user's POP3 user names, separated by commas" },
};

/** Asks a person; null where no answer comes any more. */
export type Ask = (question: string, suggestion: string) => string | null;

const PORTS = {
  smtp: { implicit: 465, starttls: 587, none: 25 },
  pop3: { implicit: 995, starttls: 110, none: 110 },
} as const;

interface Question<T> {
  /** Name of the option that answers it. */
  readonly name: string;
  readonly question: string;
  readonly suggestion: string;
  /** Undefined for an answer that can't be used. */
  readonly read: (text: string) => T | undefined;
}

/**
 * The answers: from options, else from the person, else the suggestions. A wrong answer is asked for again, a wrong
 * option is a MailteeError "usage".
 */
export function collectAnswers(options: OptionValues, ask: Ask | null): StarterAnswers {
  const answer = <T>(question: Question<T>) => answerTo(question, options, ask);
  const smtp = proxyAnswers("smtp", "SMTP", "send", answer);
  const smtpUser = answer({
    name: "smtp-user",
    question: "User name to log in with for all clients (empty: they log in themselves)",
    suggestion: "",
    read: anyText,
  });
  const pop3 = proxyAnswers("pop3", "POP3", "fetch", answer);
  const listenAddress = answer({
    name: "listen",
    question: "Address to listen on (0.0.0.0: all of IPv4)",
    suggestion: EXAMPLE_ANSWERS.listenAddress,
    read: someText,
  });
  return { listenAddress, smtp, smtpUser: smtpUser === "" ? null : smtpUser, pop3, user: userAnswers(answer) };
}

type Answer = <T>(question: Question<T>) => T;

function proxyAnswers(kind: "smtp" | "pop3", protocol: string, verb: string, answer: Answer): StarterProxy {
  const example = EXAMPLE_ANSWERS[kind];
  const host = answer({
    name: `${kind}-host`,
    question: `${protocol} server of your provider`,
    suggestion: example.host,
    read: someText,
  });
  const tls = answer({
    name: `${kind}-tls`,
    question: "TLS with it: implicit, starttls or none",
    suggestion: example.tls,
    read: tlsMode,
  });
  const port = answer({
    name: `${kind}-port`,
    question: "Its port",
    suggestion: String(PORTS[kind][tls]),
    read: portNumber,
  });
  const listenPort = answer({
    name: `${kind}-listen`,
    question: `Port on which your clients ${verb}`,
    suggestion: String(example.listenPort),
    read: portNumber,
  });
  return { listenPort, host, port, tls };
}

function userAnswers(answer: Answer): StarterAnswers["user"] {
  const example = EXAMPLE_ANSWERS.user;
  const name = answer({
    name: "user",
    question: "Name of the first user of the archive",
    suggestion: example.name,
    read: someText,
  });
  const ofExample = (list: readonly string[]) => name === example.name ? list.join(", ") : "";
  return {
    name,
    addresses: answer({
      name: "addresses",
      question: "Mail addresses of this user, separated by commas",
      suggestion: ofExample(example.addresses),
      read: listOf,
    }),
    pop3Users: answer({
      name: "pop3-users",
      question: "POP3 user names of this user, separated by commas",
      suggestion: ofExample(example.pop3Users),
      read: listOf,
    }),
  };
}

function answerTo<T>({ name, question, suggestion, read }: Question<T>, options: OptionValues, ask: Ask | null): T {
  const given = options.value(name);
  const value = read(given ?? suggestion);
  if (given !== undefined || ask === null) {
    if (value !== undefined) return value;
    throw new MailteeError("usage", `--${name} is '${given ?? suggestion}'.`, {
      hint: `It takes ${ANSWER_OPTIONS[name]?.value}: ${ANSWER_OPTIONS[name]?.doc}.`,
    });
  }
  for (;;) {
    const answered = ask(question, suggestion);
    if (answered === null) throw new MailteeError("usage", "Nothing was written.");
    const usable = read(answered.trim() === "" ? suggestion : answered.trim());
    if (usable !== undefined) return usable;
  }
}

function anyText(text: string): string {
  return text.trim();
}

function someText(text: string): string | undefined {
  return text.trim() === "" ? undefined : text.trim();
}

function listOf(text: string): readonly string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}

function portNumber(text: string): number | undefined {
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined;
}

function tlsMode(text: string): TlsMode | undefined {
  return text === "implicit" || text === "starttls" || text === "none" ? text : undefined;
}
