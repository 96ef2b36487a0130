/** Runs over all items with so many under way at once, as the floor does. */
export async function inFlight<T>(
  items: readonly T[],
  most: number,
  run: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(most, items.length) }, async () => {
      while (next < items.length) {
        const item = items[next] as T;
        next += 1;
        await run(item, next - 1);
      }
    }),
  );
}
