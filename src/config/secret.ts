import { MailteeError } from "../base/errors.ts";

/** Where a secret comes from; safe to print. */
export type SecretSource =
  | { readonly kind: "config" }
  | { readonly kind: "env"; readonly name: string }
  | { readonly kind: "file"; readonly path: string };

/** What becomes of a secret in any text. */
const CONCEALED = "(set)";

/**
 * A password that can't slip into a text: string conversion, JSON and `console.log` give "(set)". It is looked up when
 * it is asked for, so that commands that don't need it work where it can't be had (`mailtee search` from cron).
 */
export class Secret {
  readonly source: SecretSource;
  readonly #lookUp: () => string;

  constructor(source: SecretSource, lookUp: () => string) {
    this.source = source;
    this.#lookUp = lookUp;
  }

  /** A secret that stands in the config itself. */
  static of(value: string): Secret {
    return new Secret({ kind: "config" }, () => value);
  }

  /** The secret itself. Throws MailteeError "config" where its variable or file isn't there. */
  reveal(): string {
    const value = this.#lookUp();
    if (value === "") throw new MailteeError("config", `${describeSource(this.source)} is empty.`);
    return value;
  }

  toString(): string {
    return CONCEALED;
  }

  toJSON(): string {
    return CONCEALED;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return CONCEALED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return CONCEALED;
  }
}

/** "The environment variable SMTP_PASSWORD", "The file /etc/mailtee/password". */
export function describeSource(source: SecretSource): string {
  switch (source.kind) {
    case "config":
      return "The secret in the config";
    case "env":
      return `The environment variable ${source.name}`;
    case "file":
      return `The file ${source.path}`;
  }
}
