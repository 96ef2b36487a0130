/** Flags of commands that list. */
import { WakebusError } from '@wakebus/protocol';

/** Reads how many are wanted. @throws {WakebusError} `INVALID_OPTION`. */
export function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new WakebusError('INVALID_OPTION', { option: '--limit', why: 'write a whole number above 0' });
}
