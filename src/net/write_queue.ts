import type { MailteeError } from "../base/errors.ts";

interface PendingWrite {
  readonly bytes: Uint8Array;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Writes in the order in which they were asked for, each to its last byte. Once one has failed the peer's stream has a
 * hole, so all that wait and all that come later fail with the same error.
 */
export class WriteQueue {
  readonly #writeSome: (bytes: Uint8Array) => Promise<number>;
  readonly #describe: (error: unknown) => MailteeError;
  readonly #waiting: PendingWrite[] = [];
  #failure: (() => MailteeError) | null = null;
  /** How much of the first waiting one is written. */
  #written = 0;

  /**
   * @param writeSome writes at least one byte and gives how many; called once at a time
   * @param describe makes the error that callers get from one that `writeSome` threw
   */
  constructor(writeSome: (bytes: Uint8Array) => Promise<number>, describe: (error: unknown) => MailteeError) {
    this.#writeSome = writeSome;
    this.#describe = describe;
  }

  /** True while bytes wait to be written. */
  get busy(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves once all bytes are written; until then they must not change, also after a rejection. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure());
    if (bytes.length === 0) return this.drained();
    const done = Promise.withResolvers<void>();
    if (this.#waiting.push({ bytes, done }) === 1) this.#next();
    return done.promise;
  }

  /** Resolves once all writes so far are done. */
  drained(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure());
    const last = this.#waiting.at(-1);
    return last === undefined ? Promise.resolve() : last.done.promise;
  }

  /** Fails all that wait and all that come, with the error that `failure` gives: an error nobody hears of isn't made. */
  fail(failure: () => MailteeError): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    for (const { done } of this.#waiting.splice(0)) {
      // Whoever asked may have turned to something else by now; that is no unhandled rejection.
      done.promise.catch(() => {});
      done.reject(failure());
    }
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const rest = this.#written === 0 ? first.bytes : first.bytes.subarray(this.#written);
    this.#writeSome(rest).then(this.#onWritten, this.#onError);
  }

  readonly #onWritten = (count: number): void => {
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#written += count;
    if (this.#written === first.bytes.length) {
      this.#written = 0;
      this.#waiting.shift();
      first.done.resolve();
    }
    this.#next();
  };

  readonly #onError = (error: unknown): void => this.fail(() => this.#describe(error));
}
