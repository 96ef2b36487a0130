import { expect } from 'vitest';

/** `expect.poll` with the patience of a busy machine. */
export function eventually<T>(read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 15_000 });
}
