/** What every list is asked with: how many entries a page, and where to go on. */
import { WakebusError } from '@wakebus/protocol';

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;

/** @throws {WakebusError} `INVALID_OPTION`. */
export function readLimit(pageSize: number = DEFAULT_PAGE_SIZE, option: string = 'pageSize'): number {
  if (Number.isInteger(pageSize) && pageSize >= 1 && pageSize <= MAX_PAGE_SIZE) return pageSize;
  throw new WakebusError('INVALID_OPTION', {
    option,
    why: `write a whole number from 1 to ${MAX_PAGE_SIZE}`,
  });
}

/** The sequence or revision after which a page begins. @throws {WakebusError} `INVALID_OPTION`. */
export function readStart(cursor: string = '0'): number {
  const after = Number(cursor);
  if (Number.isSafeInteger(after) && after >= 0 && cursor !== '') return after;
  throw new WakebusError('INVALID_OPTION', { option: 'cursor', why: 'it is none that a page gave' });
}
