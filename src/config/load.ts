import { MailteeError } from "../base/errors.ts";
import type { ResolvedConfig } from "./types.ts";

export interface LoadOptions {
  /**
   * "required": a secret that can't be read is an error of the config, reported with all others, for commands that
   * open sockets. "later" (default): it is looked up when it is needed.
   */
  readonly secrets?: "required" | "later";
}

/**
 * Reads the config that `pathOption` names, else $MAILTEE_CONFIG, ./proxy.config.ts, ./proxy.config.yaml.
 * Rejects with MailteeError "config" that lists every mistake.
 */
// deno-lint-ignore require-await
export async function loadConfig(_pathOption: string | undefined, _options: LoadOptions = {}): Promise<ResolvedConfig> {
  throw new MailteeError("config", "There is no config.");
}
