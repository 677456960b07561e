import { randomSource } from "../unit/net/random.ts";

/** A longer text than of so many octets isn't cut into single ones. */
const MOST_PIECES = 250;

/** Choices that look random and are the same for the same seed on every machine. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomSource(seed);
  }

  /** A whole number from 0 up to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  of<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  /** Up to `max` pieces in a row. */
  text(max: number, pieces: readonly [string, ...string[]]): string {
    let text = "";
    for (let count = this.below(max + 1); count > 0; count--) text += this.of(pieces);
    return text;
  }

  /** Cuts a text into what is read at a time: as a whole, anywhere, or into single octets. */
  cut(text: string): string[] {
    if (this.oneIn(2)) return text === "" ? [] : [text];
    const most = this.of([1, 3, 40]) + Math.floor(text.length / MOST_PIECES);
    const pieces: string[] = [];
    for (let at = 0; at < text.length;) {
      const size = 1 + this.below(most);
      pieces.push(text.slice(at, at + size));
      at += size;
    }
    return pieces;
  }
}
