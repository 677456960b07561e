import { join } from "@std/path";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { type Command, parseCommandLine } from "../../../src/cli/command.ts";
import type { ExitCode } from "../../../src/cli/exit_code.ts";
import type { Terminal } from "../../../src/cli/terminal.ts";
import { type FileDropWriter, openDropWriter } from "../../../src/drop/writer.ts";
import { captureStart, writeCapture } from "../ingest/captures.ts";

/** What a command printed. */
export interface Outcome {
  readonly code: ExitCode;
  /** stdout as text, and as exact bytes. */
  readonly out: string;
  readonly bytes: Uint8Array;
  /** stderr. */
  readonly notes: string;
  /** stdout's lines as JSON. */
  json(): unknown[];
}

/** A terminal that keeps what is printed, 120 columns wide. */
class KeptTerminal implements Terminal {
  readonly interactive = false;
  readonly columns = 120;
  readonly wantsJson: boolean;
  readonly out: number[] = [];
  notes = "";

  constructor(wantsJson: boolean) {
    this.wantsJson = wantsJson;
  }

  print(text: string): void {
    this.#write(encodeUtf8(text.endsWith("\n") ? text : `${text}\n`));
  }

  json(document: unknown): void {
    this.#write(encodeUtf8(`${JSON.stringify(document)}\n`));
  }

  bytes(bytes: Uint8Array): Promise<void> {
    this.#write(bytes);
    return Promise.resolve();
  }

  note(text: string): void {
    this.notes += `${text}\n`;
  }

  style(_kind: string, text: string): string {
    return text;
  }

  progress(): { update(): void; end(): void } {
    return { update: () => {}, end: () => {} };
  }

  #write(bytes: Uint8Array): void {
    for (const byte of bytes) this.out.push(byte);
  }
}

/** A config with users and profiles, its drop folder and its archive, in a folder of their own. */
export class CommandRoom {
  readonly folder: string;
  readonly drop: string;
  readonly config: string;
  readonly writer: FileDropWriter;

  constructor(folder: string, config: string, writer: FileDropWriter) {
    this.folder = folder;
    this.config = config;
    this.writer = writer;
    this.drop = writer.path;
  }

  /** Runs a command as its words on a command line would. Rejects as the command does. */
  async run(command: Command, ...words: string[]): Promise<Outcome> {
    const { operands, options } = parseCommandLine(command, [...words, "--config", this.config]);
    const terminal = new KeptTerminal(words.includes("--json"));
    const signal = new AbortController().signal;
    const code = await command.run({ operands, options, terminal, clock: systemClock, signal });
    const bytes = Uint8Array.from(terminal.out);
    const out = new TextDecoder().decode(bytes);
    return {
      code,
      out,
      bytes,
      notes: terminal.notes,
      json: () => out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)),
    };
  }

  /** Puts a mail into the drop folder; gives the file's name. */
  async capture(octets: Uint8Array | string, to = "anna@company.example"): Promise<string> {
    const start = captureStart({ from: "stranger@elsewhere.example", to: [to] });
    const path = await writeCapture(this.writer, start, typeof octets === "string" ? encodeUtf8(octets) : octets);
    return path.slice(this.drop.length + 1);
  }

  /** Writes the config anew. */
  configure(config: string): Promise<void> {
    return Deno.writeTextFile(this.config, config);
  }
}

export const CONFIG = `
dropFolder: ./drop
archive:
  path: ./archive
  users:
    - { name: anna, addresses: [anna@company.example] }
    - { name: bert, addresses: [bert@company.example] }
profiles:
  nightly: {}
  weekly: { deleteArchived: true }
`;

/** Runs a test in a fresh room and removes it. */
export async function inCommandRoom(test: (room: CommandRoom) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-commands-" });
  const writer = await openDropWriter(join(folder, "drop"));
  try {
    const room = new CommandRoom(folder, join(folder, "proxy.config.yaml"), writer);
    await room.configure(CONFIG);
    await test(room);
  } finally {
    await writer.close();
    await Deno.remove(folder, { recursive: true });
  }
}
