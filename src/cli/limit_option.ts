import { MailteeError } from "../base/errors.ts";
import type { OptionValues } from "./command.ts";

/** The value of `--limit`, a whole number from 1 on; undefined where it isn't given. Throws MailteeError "usage". */
export function limitOption(options: OptionValues): number | undefined {
  const value = options.value("limit");
  if (value === undefined) return undefined;
  const limit = Number(value);
  if (/^\d+$/.test(value) && limit > 0 && Number.isSafeInteger(limit)) return limit;
  throw new MailteeError("usage", `--limit is '${value}'.`, { hint: "Give a whole number from 1 on." });
}
