/**
 * Work on many things at once, but not on all of them.
 *
 * @module
 */

/**
 * Maps items by an asynchronous function, of which at most `limit` calls run at a time.
 *
 * @returns The results, in the order of the items.
 */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await map(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  return results;
}
