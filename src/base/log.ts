import { configure, getConsoleSink, getLogger, type Logger, type LogRecord, reset, type Sink } from "@logtape/logtape";
import { encodeUtf8 } from "./bytes.ts";

export type { Logger };
export type LogLevel = "debug" | "info" | "warning" | "error";
export type LogFormat = "text" | "json";

/** The logger of a room: `roomLogger("smtp")`. Silent until `setUpLog` was called. */
export function roomLogger(room: string): Logger {
  return getLogger(["mailtee", room]);
}

/**
 * Sends the log to standard error, one line a record. Text: time, level, room, message, then `key=value` for the
 * properties that the message doesn't name. JSON: one object a line with the same fields.
 */
export async function setUpLog(
  options: {
    readonly level: LogLevel;
    readonly format: LogFormat;
    readonly write?: (line: string) => void;
  },
): Promise<void> {
  const write = options.write ??
    ((line: string) => void Deno.stderr.writeSync(encodeUtf8(line)));
  const format = options.format === "json" ? jsonLine : textLine;
  await logInto((record) => write(format(record)), options.level);
}

/** What the logging library itself has to say goes to the console. */
async function logInto(sink: Sink, level: LogLevel): Promise<void> {
  await configure({
    reset: true,
    sinks: { log: sink, meta: getConsoleSink() },
    loggers: [
      { category: ["mailtee"], sinks: ["log"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: ["meta"], lowestLevel: "warning" },
    ],
  });
}

/** A log record on its way to another thread. */
export type SentRecord = Pick<LogRecord, "category" | "level" | "properties"> & { readonly rawMessage: string };

/** Gives every record to `send`, for `logSent` in a thread that has a log. */
export async function sendLog(send: (record: SentRecord) => void): Promise<void> {
  const sink: Sink = ({ category, level, properties, rawMessage }) =>
    send({
      category,
      level,
      properties,
      rawMessage: typeof rawMessage === "string" ? rawMessage : rawMessage.join(""),
    });
  await logInto(sink, "debug");
}

/** Logs what another thread sent. */
export function logSent({ category, level, rawMessage, properties }: SentRecord): void {
  getLogger(category)[level](rawMessage, { ...properties });
}

/** Makes all loggers silent again. */
export async function tearDownLog(): Promise<void> {
  await reset();
}

function messageOf(record: LogRecord): string {
  let text = "";
  record.message.forEach((part, index) => text += index % 2 === 0 ? part : valueText(part));
  return text;
}

function valueText(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
}

/** One record on one line: control characters, which a peer may have sent, are escaped. */
function textLine(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString();
  let text = `${time} ${record.level.padEnd(7)} ${record.category.slice(1).join(".")}: ${messageOf(record)}`;
  const named = typeof record.rawMessage === "string" ? record.rawMessage : "";
  for (const [key, value] of Object.entries(record.properties)) {
    if (value === undefined || value === null || named.includes(`{${key}}`)) continue;
    const shown = valueText(value);
    text += ` ${key}=${/^[^\s"=]+$/.test(shown) ? shown : JSON.stringify(shown)}`;
  }
  return text.replaceAll(
    /[\p{Cc}\u2028\u2029]/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  ) + "\n";
}

function jsonLine(record: LogRecord): string {
  const properties = Object.fromEntries(
    Object.entries(record.properties).map((
      [key, value],
    ) => [key, value instanceof Error ? value.message : value]),
  );
  return JSON.stringify({
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    room: record.category.slice(1).join("."),
    message: messageOf(record),
    ...properties,
  }) + "\n";
}
