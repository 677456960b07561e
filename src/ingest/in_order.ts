/**
 * Begins work for up to `atOnce` items ahead and gives the results in the order of the items. A rejection is passed on in
 * its turn; then nothing more is begun, and what was begun ends unheard.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const begun: Promise<Result>[] = [];
  const iterator = items[Symbol.iterator]();
  const begin = () => {
    const next = iterator.next();
    if (next.done === true) return;
    const result = work(next.value);
    result.catch(() => {}); // whoever takes it in its turn hears of it
    begun.push(result);
  };
  for (let count = 0; count < atOnce; count++) begin();
  try {
    for (let first = begun.shift(); first !== undefined; first = begun.shift()) {
      const result = await first;
      begin();
      yield result;
    }
  } finally {
    await Promise.allSettled(begun);
  }
}
