import { errorText, MailteeError } from "../base/errors.ts";

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
  readonly #lookUp: () => string | undefined;

  /** `lookUp` gives undefined for a variable that isn't set, and may throw what reading a file throws. */
  constructor(source: SecretSource, lookUp: () => string | undefined) {
    this.source = source;
    this.#lookUp = lookUp;
  }

  /** A secret that stands in the config itself. */
  static of(value: string): Secret {
    return new Secret({ kind: "config" }, () => value);
  }

  /** The secret itself. Throws MailteeError "config" where its variable or file isn't there, or is empty. */
  reveal(): string {
    const value = this.#read();
    if (value === undefined) {
      throw new MailteeError("config", `${describeSource(this.source)} isn't set.`, {
        hint: "Set it in the environment, or in the file .env beside the config.",
      });
    }
    if (value === "") throw new MailteeError("config", `${describeSource(this.source)} is empty.`);
    return value;
  }

  #read(): string | undefined {
    try {
      return this.#lookUp();
    } catch (error) {
      throw new MailteeError("config", `${describeSource(this.source)} can't be read: ${errorText(error)}.`, {
        cause: error,
      });
    }
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

/** "the environment variable SMTP_PASSWORD", "the file /etc/mailtee/password". */
export function describeSource(source: SecretSource): string {
  switch (source.kind) {
    case "config":
      return "the secret in the config";
    case "env":
      return `the environment variable ${source.name}`;
    case "file":
      return `the file ${source.path}`;
  }
}
