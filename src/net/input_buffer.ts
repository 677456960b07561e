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
  /** A part of the memory was detached, so none of it may be used again. */
  #shared = false;
  /** What `bytes` gave last, until that has changed: each view costs memory that has to be collected. */
  #view: Uint8Array | null = null;

  get length(): number {
    return this.#end - this.#start;
  }

  /** What is buffered: a view, valid until the next `room` or `append`. */
  get bytes(): Uint8Array {
    if (this.#start === this.#end) return NONE;
    return this.#view ??= this.#memory.subarray(this.#start, this.#end);
  }

  /** Drops the first `count` bytes. Throws RangeError where there are fewer. */
  consume(count: number): void {
    if (count < 0 || count > this.length) throw new RangeError(`consume(${count}) of ${this.length} buffered bytes`);
    this.#hold(this.#start + count, this.#end);
  }

  /** Drops the first `count` bytes, as `consume`; what views of them show doesn't change any more. */
  detach(count: number): void {
    this.consume(count);
    this.#shared = true;
  }

  /** Drops all and gives how many bytes these were. */
  clear(): number {
    const count = this.length;
    this.consume(count);
    return count;
  }

  /**
   * Free memory behind the buffered bytes to read into: at most `size` bytes, and no fewer than a quarter of that.
   * Memory is kept as small as `size` and the buffered bytes allow, so that a connection that is idle after a mail
   * doesn't hold the mail's large buffer.
   */
  room(size: number): Uint8Array {
    const length = this.length;
    const isFull = (this.#memory.length - this.#end) * 4 < size;
    if (length === 0 && (this.#memory.length !== size || (isFull && this.#shared))) this.#renew(size, NONE);
    else if (length === 0 && !this.#shared) this.#hold(0, 0);
    else if (isFull) this.#move(length + size / 4, size);
    const isWhole = this.#end === 0 && this.#memory.length === size;
    return isWhole ? this.#memory : this.#memory.subarray(this.#end, this.#end + size);
  }

  /** The first `count` bytes of the last `room` were filled. */
  grow(count: number): void {
    this.#hold(this.#start, this.#end + count);
  }

  /** Takes a chunk over; its memory now belongs to this buffer. */
  append(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.length === 0) {
      this.#memory = chunk;
      this.#shared = false;
      this.#hold(0, chunk.length);
      return;
    }
    if (this.#memory.length - this.#end < chunk.length) this.#move(this.length + chunk.length, 0);
    this.#memory.set(chunk, this.#end);
    this.grow(chunk.length);
  }

  /**
   * Moves the buffered bytes to the start of memory that holds `capacity` bytes: this one where it may be used, else new
   * memory, of `size` at least, or twice as large as one that was too small.
   */
  #move(capacity: number, size: number): void {
    if (this.#shared) return this.#renew(Math.max(capacity, size), this.bytes);
    if (this.#memory.length < capacity) return this.#renew(Math.max(capacity, this.#memory.length * 2), this.bytes);
    this.#memory.copyWithin(0, this.#start, this.#end);
    this.#hold(0, this.length);
  }

  #renew(size: number, kept: Uint8Array): void {
    this.#memory = new Uint8Array(size);
    this.#memory.set(kept);
    this.#shared = false;
    this.#hold(0, kept.length);
  }

  #hold(start: number, end: number): void {
    this.#start = start;
    this.#end = end;
    this.#view = null;
  }
}
