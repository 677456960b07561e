const CR = 0x0d;
const LF = 0x0a;

/**
 * Counts the lines of a mail's body as its octets pass, to tell whether a TOP gave the whole mail: one that gives
 * fewer lines than were asked for has reached the end (RFC 1939 section 7).
 */
export class BodyLines {
  #inBody = false;
  /** The header line under way has no octets but CR. */
  #lineIsEmpty = true;
  #count = 0;
  #openLine = false;

  /** Lines of the body so far; one without a line end counts. */
  get count(): number {
    return this.#count + (this.#openLine ? 1 : 0);
  }

  push(content: Uint8Array): void {
    let start = 0;
    while (!this.#inBody && start < content.length) start = this.#passHeaderLine(content, start);
    for (; start < content.length;) {
      const end = content.indexOf(LF, start);
      this.#openLine = end < 0;
      if (end < 0) return;
      this.#count++;
      start = end + 1;
    }
  }

  /** Where the next line begins. */
  #passHeaderLine(content: Uint8Array, start: number): number {
    const lineFeed = content.indexOf(LF, start);
    const end = lineFeed < 0 ? content.length : lineFeed;
    for (let at = start; at < end && this.#lineIsEmpty; at++) this.#lineIsEmpty = content[at] === CR;
    if (lineFeed < 0) return end;
    this.#inBody = this.#lineIsEmpty;
    this.#lineIsEmpty = true;
    return lineFeed + 1;
  }
}
