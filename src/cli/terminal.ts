import { encodeUtf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { createProgress, type Progress } from "./progress.ts";

/** Where a command prints: data to stdout, everything else to stderr. */
export interface Terminal {
  /** True where `--json` was given: data goes out by `json`, nothing by `print`. */
  readonly wantsJson: boolean;
  /** True where a person sits at stdin and stderr and can be asked. */
  readonly interactive: boolean;
  /** Columns to print in; 80 where stdout isn't a terminal. */
  readonly columns: number;
  /** One or more lines of text on stdout. */
  print(text: string): void;
  /** One JSON document on stdout, on one line. */
  json(document: unknown): void;
  /** Exact bytes on stdout. */
  bytes(bytes: Uint8Array): Promise<void>;
  /** A line for the person on stderr. */
  note(text: string): void;
  /** Emphasis, plain where colours aren't wanted (NO_COLOR, no terminal). */
  style(kind: "bold" | "dim" | "red" | "yellow" | "green", text: string): string;
  /** A progress bar on stderr; silent where stderr isn't a terminal or JSON is wanted. */
  progress(label: string, total?: number): Progress;
}

const STYLES = { bold: 1, dim: 2, red: 31, yellow: 33, green: 32 } as const;

/** The process's own terminal. */
export function createTerminal(options: { readonly json: boolean; readonly clock: Clock }): Terminal {
  const onTerminal = Deno.stderr.isTerminal();
  const colours = Deno.stdout.isTerminal() && onTerminal && (Deno.env.get("NO_COLOR") ?? "") === "";
  const write = (text: string) => writeAllSync(Deno.stdout, encodeUtf8(text));
  return {
    wantsJson: options.json,
    interactive: Deno.stdin.isTerminal() && onTerminal && !options.json,
    columns: columns(),
    print: (text) => write(text.endsWith("\n") ? text : text + "\n"),
    json: (document) => write(JSON.stringify(document) + "\n"),
    bytes: async (bytes) => {
      for (let written = 0; written < bytes.length;) written += await Deno.stdout.write(bytes.subarray(written));
    },
    note: (text) => writeAllSync(Deno.stderr, encodeUtf8(text + "\n")),
    style: (kind, text) => colours ? `\x1b[${STYLES[kind]}m${text}\x1b[0m` : text,
    progress: (label, total) =>
      createProgress({
        label,
        total,
        clock: options.clock,
        columns: columns(),
        write: onTerminal && !options.json ? (text) => writeAllSync(Deno.stderr, encodeUtf8(text)) : null,
      }),
  };
}

function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80; // not a terminal
  }
}

function writeAllSync(file: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}
