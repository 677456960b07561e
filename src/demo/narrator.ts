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
    this.#print(`    ${sentence}`);
  }

  /** Says `sentence` where it's true, else that it isn't, and counts a failure. */
  check(isTrue: boolean, sentence: string): void {
    if (isTrue) return this.say(sentence);
    this.#failures++;
    this.say(`FAILED, this isn't so: ${sentence}`);
  }
}
