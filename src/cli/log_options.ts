import { MailteeError } from "../base/errors.ts";
import type { LogFormat, LogLevel } from "../base/log.ts";
import type { OptionValues } from "./command.ts";

/** What --log-level says; undefined where it isn't given. */
export function logLevel(options: OptionValues): LogLevel | undefined {
  const level = options.value("log-level");
  switch (level) {
    case undefined:
    case "debug":
    case "info":
    case "warning":
    case "error":
      return level;
    default:
      throw new MailteeError("usage", `--log-level is '${level}'.`, { hint: "Use debug, info, warning or error." });
  }
}

/** What --log-format says; undefined where it isn't given. */
export function logFormat(options: OptionValues): LogFormat | undefined {
  const format = options.value("log-format");
  switch (format) {
    case undefined:
    case "text":
    case "json":
      return format;
    default:
      throw new MailteeError("usage", `--log-format is '${format}'.`, { hint: "Use text or json." });
  }
}
