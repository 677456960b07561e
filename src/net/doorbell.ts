/** Wakes the one who waits; a ring while nobody waits is kept for the next. */
export class Doorbell {
  #rung = false;
  #wake: (() => void) | null = null;

  ring(): void {
    const wake = this.#wake;
    this.#wake = null;
    if (wake === null) this.#rung = true;
    else wake();
  }

  wait(): Promise<void> {
    if (!this.#rung) return new Promise((resolve) => this.#wake = resolve);
    this.#rung = false;
    return Promise.resolve();
  }
}
