import type { Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** A progress bar that learns its total with the first step. */
export class LateProgress {
  readonly #terminal: Terminal;
  readonly #label: string;
  #bar: Progress | null = null;

  constructor(terminal: Terminal, label: string) {
    this.#terminal = terminal;
    this.#label = label;
  }

  update(done: number, total: number, detail?: string): void {
    this.#bar ??= this.#terminal.progress(this.#label, total);
    this.#bar.update(done, detail);
  }

  /** Takes the bar away. Must be called, also on failure; more than once does no harm. */
  end(): void {
    this.#bar?.end();
    this.#bar = null;
  }
}
