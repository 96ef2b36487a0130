/**
 * States in one canonical form, so that two ways to the same state give the same digest.
 */
import { createHash } from 'node:crypto';

/** An agent's state without anything of how it was reached or kept. */
export interface PlainState {
  /** Each region of the machine that has states, as a path: `{ life: 'open.waiting' }`. */
  readonly regions: Readonly<Record<string, string>>;
  readonly context: unknown;
}

/** The plain form of what a machine's snapshot says. */
export function plainState(snapshot: { readonly value: unknown; readonly context: unknown }): PlainState {
  const regions = Object.entries(snapshot.value as object).map(([region, value]) => [region, pathOf(value)]);
  return { regions: Object.fromEntries(regions.filter(([, path]) => path !== '')), context: snapshot.context };
}

/** SHA-256 over the states of all agents, by address. */
export function digestOf(states: ReadonlyMap<string, PlainState>): string {
  return createHash('sha256')
    .update(canonical(Object.fromEntries(states)))
    .digest('hex');
}

/** JSON with its keys in order: equal values are equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}

function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as object)
    .map(([state, inner]) => [state, pathOf(inner)].filter(Boolean).join('.'))
    .join();
}
