import { concatBytes } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { command as show } from "../../src/cli/show.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/**
 * What `mailtee show ID --raw` writes, by the command itself but within this process: for many mails, since a process
 * each would take minutes.
 */
export async function showRaw(configFile: string, id: string): Promise<Uint8Array> {
  const written: Uint8Array[] = [];
  const code = await show.run({
    operands: [id],
    options: {
      flag: (name) => name === "raw",
      value: (name) => name === "config" ? configFile : undefined,
    },
    terminal: bytesOnly((bytes) => written.push(bytes.slice())),
    clock: systemClock,
    signal: new AbortController().signal,
  });
  if (code !== 0) throw new Error(`show ${id} --raw ended with ${code}`);
  return concatBytes(written);
}

/** A terminal for a command that has nothing to say but bytes. */
function bytesOnly(write: (bytes: Uint8Array) => void): Terminal {
  const unexpected = (): never => {
    throw new Error("show --raw wrote something else than the mail");
  };
  return {
    wantsJson: false,
    interactive: false,
    columns: 80,
    print: unexpected,
    json: unexpected,
    note: unexpected,
    style: (_, text) => text,
    progress: unexpected,
    bytes: (bytes) => {
      write(bytes);
      return Promise.resolve();
    },
  };
}
