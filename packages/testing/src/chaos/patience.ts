/**
 * Waiting in a run that has real time: for a condition, for an answer, for a moment.
 */

/** An answer may need an election or two, in milliseconds. */
const PERSIST_MS = 60_000;
const LOOK_EVERY_MS = 50;

export function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs));
}

/** Tries until it works. @throws what the last try threw, when it never does within a minute. */
export async function persist<T>(work: () => Promise<T>, withinMs: number = PERSIST_MS): Promise<T> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > untilMs) throw error;
      await pause(LOOK_EVERY_MS);
    }
  }
}

/** Looks until it is so. @returns whether it came to be in time. */
export async function until(isSo: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const untilMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > untilMs) return false;
    await pause(LOOK_EVERY_MS);
  }
  return true;
}
