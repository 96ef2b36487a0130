/** Waiting for conditions: the tests of this folder never wait for time. */
import { vi } from 'vitest';

/** Far beyond what any condition here takes on a busy machine; below the limit of a test. */
const WITHIN_MS = 20_000;

/** Repeats an assertion, or whatever else throws until it holds, and gives what it returns. */
export function eventually<T>(look: () => T | Promise<T>, withinMs: number = WITHIN_MS): Promise<T> {
  return vi.waitFor(look, { timeout: withinMs, interval: 15 });
}

/** What a promise is rejected with. */
export async function failure(work: Promise<unknown>): Promise<{ code: string; message: string; facts: unknown }> {
  return work.then(
    (value) => {
      throw new Error(`a failure was expected, and not ${JSON.stringify(value)}`);
    },
    (error: { code: string; message: string; facts: unknown }) => error,
  );
}
