/** Waiting for a thread, without taking the sleep of the whole process for its fault. */

/** A process that was frozen, or a main thread that was busy, counts for one slice at most. */
const SLICES = 4;

/**
 * Calls back when so long has passed, in slices.
 *
 * @returns what ends the waiting.
 */
export function patience(timeoutMs: number, onOver: () => void): () => void {
  let left = SLICES;
  const tick = (): void => {
    left -= 1;
    if (left === 0) onOver();
    else timer = setTimeout(tick, timeoutMs / SLICES);
  };
  let timer = setTimeout(tick, timeoutMs / SLICES);
  return () => clearTimeout(timer);
}
