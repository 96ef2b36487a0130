/** A quantity that moves between agents and is neither made nor lost. */
import type { Violation } from './run-history.ts';

/** @param parts - What each agent holds, once everything has come to rest. */
export function checkTotal(what: string, parts: ReadonlyMap<string, number>, expected: number): Violation[] {
  const total = [...parts.values()].reduce((sum, part) => sum + part, 0);
  return total === expected ? [] : [`The total of ${what} is ${total}, and was ${expected}`];
}
