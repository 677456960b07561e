/** A stream that rejects with the signal's reason once that is aborted. */
export async function* interruptible<T>(stream: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const piece of stream) {
    signal.throwIfAborted();
    yield piece;
  }
}
