/** Clients are processes of their own, which also wait for each other's servers. */
const AT_A_TIME = 4;

/** Acts on each item, on some at the same time. Rejects when all is done with what went wrong, each with its label. */
export async function forEachOf<Item>(
  items: readonly Item[],
  label: (item: Item) => string,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  const left = items.values();
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    for (const item of left) {
      try {
        await act(item);
      } catch (error) {
        failures.push(`${label(item)}: ${Deno.inspect(error)}`);
      }
    }
  }));
  if (failures.length > 0) throw new Error(`${failures.length} of ${items.length} failed:\n${failures.join("\n")}`);
}
