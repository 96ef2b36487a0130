/**
 * What is looked up in a machine again and again: its states by path and ID, and the events that it knows.
 *
 * Built once a machine. XState's own look-up by ID splits IDs at dots, so a custom ID that holds one is
 * not found by it; and the index of node IDs is internal there.
 */
import type { AnyStateMachine, AnyStateNode, StateValue } from 'xstate';

/** State values whose transitions are kept at hand: most machines have far fewer, and parallel regions multiply. */
const MOST_VALUES = 1_000;

/** The index of one machine. */
export interface MachineIndex {
  /** Every state, by its path as {@link pathKey} writes it. */
  readonly byPath: ReadonlyMap<string, AnyStateNode>;
  readonly byId: ReadonlyMap<string, AnyStateNode>;
  /** Whether any state has a transition, wildcards included, for events of a type. */
  readonly knows: (eventType: string) => boolean;
  /** The same of the states that a state value names, and those around them. */
  readonly takesIn: (value: StateValue, eventType: string) => boolean;
}

const indexes = new WeakMap<AnyStateMachine, MachineIndex>();

/** The index of a machine. */
export function indexOf(machine: AnyStateMachine): MachineIndex {
  let index = indexes.get(machine);
  if (index === undefined) {
    index = buildIndex(machine);
    indexes.set(machine, index);
  }
  return index;
}

/** The root and every state below it, in document order. */
export function statesOf(machine: AnyStateMachine): AnyStateNode[] {
  const found: AnyStateNode[] = [];
  const visit = (node: AnyStateNode): void => {
    found.push(node);
    for (const child of Object.values<AnyStateNode>(node.states)) visit(child);
  };
  visit(machine.root);
  return found;
}

/** A path as one text. Keys may hold any character, dots included. */
export function pathKey(path: readonly string[]): string {
  return JSON.stringify(path);
}

function buildIndex(machine: AnyStateMachine): MachineIndex {
  const states = statesOf(machine);
  const matchers = new Map<string, (eventType: string) => boolean>();
  const takesIn = (value: StateValue, eventType: string): boolean => {
    const name = JSON.stringify(value);
    const known = matchers.get(name);
    if (known !== undefined) return known(eventType);
    const matcher = matcherOf(new Set(activeIn(machine.root, value).flatMap((state) => [...state.transitions.keys()])));
    if (matchers.size < MOST_VALUES) matchers.set(name, matcher);
    return matcher(eventType);
  };
  return {
    byPath: new Map(states.map((state) => [pathKey(state.path), state])),
    byId: new Map(states.map((state) => [state.id, state])),
    knows: matcherOf(new Set(states.flatMap((state) => [...state.transitions.keys()]))),
    takesIn,
  };
}

/** A state and those that a value names within it. */
function activeIn(state: AnyStateNode, value: StateValue): AnyStateNode[] {
  const inner = typeof value === 'string' ? ([[value, {}]] as const) : Object.entries(value);
  return [
    state,
    ...inner.flatMap(([key, within]) => {
      const child = state.states[key];
      return child === undefined ? [] : activeIn(child, within as StateValue);
    }),
  ];
}

/** As XState matches: an exact name, `*`, or a prefix before `.*` (which also matches the bare prefix). */
function matcherOf(descriptors: ReadonlySet<string>): (eventType: string) => boolean {
  if (descriptors.has('*')) return () => true;
  const prefixes = [...descriptors].filter((text) => text.endsWith('.*')).map((text) => text.slice(0, -2));
  if (prefixes.length === 0) return (type) => descriptors.has(type);
  return (type) => descriptors.has(type) || prefixes.some((prefix) => type === prefix || type.startsWith(`${prefix}.`));
}
