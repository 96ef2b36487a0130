import { expect } from 'vitest';

type Poll<T> = ReturnType<typeof expect.poll<T>>;

/** `expect.poll` with the patience of a busy machine. */
export function eventually<T>(
  read: () => T,
  options: { readonly interval?: number; readonly timeout?: number } = {},
): Poll<T> {
  return expect.poll(read, { timeout: 15_000, ...options });
}
