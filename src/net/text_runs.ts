const CR = 13;

/** Finds the end of runs of text in a chunk: of bytes greater than CR, among which nothing decides anything. */
export class TextRuns {
  readonly #chunk: Uint8Array;
  /** The chunk four bytes at a time, from its first byte on a word boundary. */
  readonly #words: Int32Array;
  readonly #wordsStart: number;

  constructor(chunk: Uint8Array) {
    this.#chunk = chunk;
    this.#wordsStart = Math.min(-chunk.byteOffset & 3, chunk.length);
    this.#words = new Int32Array(
      chunk.buffer,
      this.#wordsStart === chunk.length ? 0 : chunk.byteOffset + this.#wordsStart,
      (chunk.length - this.#wordsStart) >> 2,
    );
  }

  /** The index of the first byte from `from` that is CR or less, or the chunk's length. */
  end(from: number): number {
    const chunk = this.#chunk;
    const length = chunk.length;
    let i = from;
    const boundary = Math.min(i + ((this.#wordsStart - i) & 3), length);
    while (i < boundary) {
      if ((chunk[i] ?? 0) <= CR) return i;
      i++;
    }
    if (i === length) return i;
    const words = this.#words;
    let word = (i - this.#wordsStart) >> 2;
    while (word < words.length && !hasControl(words[word] ?? 0)) word++;
    i = this.#wordsStart + word * 4;
    while (i < length && (chunk[i] ?? 0) > CR) i++;
    return i;
  }
}

/** True where one of the four bytes is CR or less: subtracting CR + 1 from it borrows, and its top bit was not set. */
function hasControl(word: number): boolean {
  return ((word - 0x0e0e0e0e) & ~word & 0x80808080) !== 0;
}
