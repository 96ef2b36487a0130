/** What differs between two values, place by place, each named by its JSON Pointer (RFC 6901). */
import { encode } from '@wakebus/protocol';

/** One place. Without `before` it was added, without `after` it is gone. */
export interface Change {
  /** JSON Pointer from the top: `/context/items/3`. */
  readonly at: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** All places, in the order of the values. Elements of lists are compared by their index. */
export function changesBetween(before: unknown, after: unknown, at: string = ''): Change[] {
  if (isSame(before, after)) return [];
  if (!isOpen(before) || !isOpen(after) || Array.isArray(before) !== Array.isArray(after))
    return [{ at, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => changesBetween(before[name], after[name], `${at}/${escaped(name)}`));
}

/** Whether a value has places of its own; what JSON lacks, such as a date or a map, is compared as a whole. */
function isOpen(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return Buffer.compare(encode(a), encode(b)) === 0;
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
