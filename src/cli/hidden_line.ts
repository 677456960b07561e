import { encodeUtf8 } from "../base/bytes.ts";

const CONTROL_C = "\x03";
const CONTROL_D = "\x04";
const ERASE = ["\b", "\x7f"];

/** Asks on the terminal and reads a line without showing it. Ctrl-C and Ctrl-D give an empty one. */
export async function readHiddenLine(question: string): Promise<string> {
  const say = (text: string) => void Deno.stderr.writeSync(encodeUtf8(text));
  say(question);
  Deno.stdin.setRaw(true);
  try {
    const buffer = new Uint8Array(1024);
    // A character may come in two reads.
    const decoder = new TextDecoder();
    let line = "";
    for (;;) {
      const count = await Deno.stdin.read(buffer);
      if (count === null) return line;
      for (const character of decoder.decode(buffer.subarray(0, count), { stream: true })) {
        if (character === "\r" || character === "\n") return line;
        if (character === CONTROL_C || character === CONTROL_D) return "";
        line = ERASE.includes(character) ? Array.from(line).slice(0, -1).join("") : line + character;
      }
    }
  } finally {
    Deno.stdin.setRaw(false);
    say("\n");
  }
}
