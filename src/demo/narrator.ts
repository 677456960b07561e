const COLUMNS = 100;
const INDENT = "    ";

/** Tells what the demo does, and keeps in mind whether everything was as it should be. */
export class Narrator {
  readonly #print: (line: string) => void;
  #steps = 0;
  #failures = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** How many checks have failed so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Begins a step with a sentence. */
  step(sentence: string): void {
    this.#print(`${String(++this.#steps).padStart(2)}. ${sentence}`);
  }

  /** Goes on with the step. */
  say(sentence: string): void {
    for (const line of wrap(sentence, COLUMNS - INDENT.length)) this.#print(INDENT + line);
  }

  /** Says `sentence` where it's true, else that it isn't, and counts a failure. */
  check(isTrue: boolean, sentence: string): void {
    if (isTrue) return this.say(sentence);
    this.#failures++;
    this.say(`FAILED, this isn't so: ${sentence}`);
  }
}

/** Breaks a text at single blanks into lines of at most `width` characters, where its words allow it. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
