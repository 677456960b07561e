const NONE = new Uint8Array(0);

/**
 * Received bytes until they are consumed, in one piece. Bytes come in either through `room` and `grow` (a read into
 * this buffer's own memory) or through `append` (a chunk that has memory already, taken over without a copy where
 * nothing else is buffered).
 */
export class InputBuffer {
  #memory = NONE;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** What is buffered: a view, valid until the next `room` or `append`. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(this.#start, this.#end);
  }

  /** Drops the first `count` bytes. Throws RangeError where there are fewer. */
  consume(count: number): void {
    if (count < 0 || count > this.length) throw new RangeError(`consume(${count}) of ${this.length} buffered bytes`);
    this.#start += count;
  }

  /** Drops all and gives how many bytes these were. */
  clear(): number {
    const count = this.length;
    this.#start = this.#end;
    return count;
  }

  /**
   * Free memory behind the buffered bytes to read into: at most `size` bytes, and no fewer than a quarter of that.
   * Memory is kept as small as `size` and the buffered bytes allow, so that a connection that is idle after a mail
   * doesn't hold the mail's large buffer.
   */
  room(size: number): Uint8Array {
    const length = this.length;
    if (length === 0) {
      if (this.#memory.length !== size) this.#memory = new Uint8Array(size);
      this.#start = this.#end = 0;
    } else if ((this.#memory.length - this.#end) * 4 < size) {
      this.#move(length + size / 4);
    }
    return this.#memory.subarray(this.#end, this.#end + size);
  }

  /** The first `count` bytes of the last `room` were filled. */
  grow(count: number): void {
    this.#end += count;
  }

  /** Takes a chunk over; its memory now belongs to this buffer. */
  append(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.length === 0) {
      this.#memory = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    if (this.#memory.length - this.#end < chunk.length) this.#move(this.length + chunk.length);
    this.#memory.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Moves the buffered bytes to the start of memory that holds `capacity` bytes: this one, or one twice as large. */
  #move(capacity: number): void {
    const kept = this.bytes;
    if (this.#memory.length >= capacity) {
      this.#memory.copyWithin(0, this.#start, this.#end);
    } else {
      this.#memory = new Uint8Array(Math.max(capacity, this.#memory.length * 2));
      this.#memory.set(kept);
    }
    this.#start = 0;
    this.#end = kept.length;
  }
}
